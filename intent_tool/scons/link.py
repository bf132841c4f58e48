"""What would go wrong when intents are linked, said before a linker runs."""

from __future__ import annotations

import os
from typing import Any

import SCons.Errors

from intent_tool.scons.outline import function_name
from intent_tool.scons.variables import host_target, known_targets, target_of

_HOST_LINKERS = {"gcc", "g++", "cc", "c++", "clang", "clang++", "ld"}


def refuse_clashes(target: list[Any], source: list[Any], env: Any) -> tuple[list[Any], list[Any]]:
    """Two intents with one symbol in one program or library are said at once, with their names."""
    records = [record for node in source if (record := getattr(node.attributes, "intent_record", None)) is not None]
    intents = dict.fromkeys(record.sources[0].srcnode() for record in records)
    defined: dict[str, Any] = {}
    for intent in intents if len(intents) > 1 else ():
        name = function_name(intent.get_contents().decode("utf-8", "replace")) if intent.exists() else None
        if name in defined:
            raise SCons.Errors.UserError(f"{target[0]}: `{name}` is defined by {defined[name]} and by {intent}; "
                                         "rename one, or leave one out")
        if name is not None:
            defined[name] = intent
    return target, source


def require_linker(target: list[Any], source: list[Any], env: Any) -> tuple[list[Any], list[Any]]:
    """Say before the linker does, which would not say it well, that it is none for the intents' target."""
    if not any(getattr(node.attributes, "intent_record", None) for node in source):
        return target, source
    goal, words = target_of(env), env.subst("$LINK", target=target, source=source).split()
    help = (f"install the compiler for {goal.name}, `apt-get install gcc-{goal.triple.replace('_', '-')}`, and set "
            f"CC=\"{goal.triple}-gcc\" in the environment; or set INTENT_TARGET to what your compiler compiles for")
    if not words or not (env.WhereIs(words[0]) or os.access(words[0], os.X_OK)):
        raise SCons.Errors.UserError(f"{target[0]}: {words[0] if words else 'a linker'} is not installed; {help}")
    is_plain = os.path.basename(words[0]) in _HOST_LINKERS and not any("target" in word for word in words)
    if is_plain and goal.isa != known_targets()[host_target()].isa:
        raise SCons.Errors.UserError(f"{target[0]}: {words[0]} links for {host_target()}, and the intents are for "
                                     f"{goal.name}; {help}")
    return target, source

"""What the construction variables of an environment say, and whether that can be.

`INTENT_TARGET` is a target's name (the host's by default), `INTENT_EVIDENCE` the least that is good enough
(``tested`` by default), `INTENT_EXECUTOR` ``dask://host:port`` to use a cluster, `INTENT_GENERATOR` who finds code
(``auto`` by default), `INTENT_LOCKED` 1 to take locked code only."""

from __future__ import annotations

import platform
from functools import cache
from typing import Any

import SCons.Errors

from intent_tool.language.diagnostics import IntentError
from intent_tool.machine.target import Target, load_targets, select_targets
from intent_tool.packages import missing_packages
from intent_tool.propose.ai.provider import GENERATORS
from intent_tool.scons.session import session

EVIDENCE_LEVELS = ("tested", "bounded", "proved")
LOCK_MODES = ("update", "renew")


def require_packages() -> None:
    """Stop SCons, with their names, when packages that the tool needs are missing."""
    missing = missing_packages()
    if missing:
        raise SCons.Errors.UserError(f"intent_tool needs packages that are not installed: {', '.join(missing)}; "
                                     "`pip install intent-tool` brings them")


def host_target() -> str:
    """The target of the machine that SCons runs on, or x86_64 where none fits."""
    machines = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64", "riscv64": "riscv64"}
    return machines.get(platform.machine().lower(), "x86_64")


def target_of(env: Any) -> Target:
    """The target that `INTENT_TARGET` names."""
    return _target_named(env.subst("$INTENT_TARGET"))


def evidence_of(env: Any) -> str:
    """The least evidence that `INTENT_EVIDENCE` accepts."""
    level: str = env.subst("$INTENT_EVIDENCE")
    if level not in EVIDENCE_LEVELS:
        raise SCons.Errors.UserError(f"evidence={level}: it is one of {', '.join(EVIDENCE_LEVELS)}")
    return level


def generator_of(env: Any) -> str:
    """Who finds code, by `INTENT_GENERATOR`. An AI provider is set up where one may be asked."""
    name: str = env.subst("$INTENT_GENERATOR")
    if name not in GENERATORS:
        raise SCons.Errors.UserError(f"generator={name}: it is one of {', '.join(GENERATORS)}")
    try:
        session().use_generator(name)
    except IntentError as failure:
        raise SCons.Errors.UserError(str(failure)) from None
    return name


def is_locked(env: Any) -> bool:
    """Whether only locked code will do, by `INTENT_LOCKED`."""
    text: str = env.subst("$INTENT_LOCKED")
    if text not in ("0", "1"):
        raise SCons.Errors.UserError(f"locked={text}: it is 0 or 1")
    return text == "1"


def use_lock(mode: str) -> None:
    """Have the lockfile written at the end: ``update``, or ``renew`` with all code found anew."""
    if mode not in ("", *LOCK_MODES):
        raise SCons.Errors.UserError(f"lock={mode}: it is one of {', '.join(LOCK_MODES)}")
    session().lock_mode = mode or session().lock_mode


def use_executor(name: str) -> None:
    """Have the jobs of this run done by the executor that is named; nothing keeps things as they are."""
    try:
        session().use_executor(name)
    except IntentError as failure:
        raise SCons.Errors.UserError(str(failure)) from None


@cache
def known_targets() -> dict[str, Target]:
    """The shipped targets and the project's own."""
    return load_targets(session().root)


@cache
def _target_named(name: str) -> Target:
    try:
        targets = select_targets(name, known_targets())
    except IntentError as failure:
        raise SCons.Errors.UserError(str(failure)) from None
    if len(targets) != 1:
        raise SCons.Errors.UserError(f"INTENT_TARGET={name}: an environment builds for one target; clone it for more")
    return targets[0]

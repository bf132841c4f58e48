"""The definitions of `where`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from intent_tool.language.contract import Definition
from intent_tool.language.diagnostics import error
from intent_tool.language.document import Entry, Scalar, expression_text
from intent_tool.language.expression import parse_expression
from intent_tool.language.fold import constant
from intent_tool.language.names import Names
from intent_tool.language.problems import Problems
from intent_tool.language.sorts import sort_of
from intent_tool.language.tree import Expression, Integer
from intent_tool.language.vocabulary import name_problem


def read_definitions(entries: tuple[Entry, ...], names: Names, problems: Problems) -> None:
    """Adds the definitions to `names`, in order; each may use those above it."""
    heads: list[tuple[Entry, str, tuple[str, ...] | None]] = []
    for entry in entries:
        with problems.collected():
            heads.append((entry, *_head(entry, [h[1] for h in heads], names)))
    # Without a head its name would be unknown everywhere, which says nothing new.
    problems.raise_any()
    words = {name: set(re.findall(r"[A-Za-z_]\w*", entry.value.value)) - set(parameters or ())
             for entry, name, parameters in heads if isinstance(entry.value, Scalar)}
    for index, (entry, name, parameters) in enumerate(heads):
        hidden = {}
        for later, later_name, _ in heads[index:]:
            cycle = _path(words, later_name, name)
            hidden[later_name] = (
                "a definition cannot use itself; fold with `reduce`" if later_name == name else
                f"it is defined only below, in line {later.key.span.line}" if cycle is None else
                f"it uses {' → '.join(cycle)} again; definitions cannot be recursive")
        scope = names.scope()
        # A broken definition stays known, so that its uses do not become errors of their own.
        body: Expression = Integer(entry.key.span, 0)
        with problems.collected():
            text = expression_text(entry.value, f"`{name}`")
            body = parse_expression(text, replace(scope, hidden={**scope.hidden, **hidden}), parameters or ())
            names.sizes[name] = names.measure(body)
        names.definitions[name] = Definition(name, parameters, body, entry.key.span)
        hidden_by = dict.fromkeys(parameters or ())
        names.sorts[name] = sort_of(body, {**scope.variables, **hidden_by}, names.sorts)
        value = constant(body, names.constants) if parameters is None else None
        if value is not None:
            names.constants[name] = value


def _head(entry: Entry, taken: list[str], names: Names) -> tuple[str, tuple[str, ...] | None]:
    """Name and parameters of a definition."""
    key = entry.key
    match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*", key.value, re.ASCII)
    if match is None:
        raise error("E412", f"`{key.value[:60]}` does not name a definition", key.span,
                    "write `name: expression`, or `name(x, y): expression`")
    name = match[1]
    problem = name_problem(name) or ("`_` is no name for a definition" if name == "_" else None)
    own = names.scope()
    if problem is None and name in own.variables:
        problem = f"`{name}` is already a parameter" if names.signature else f"`{name}` is the program's input"
    if problem is None and (name in names.used or (names.signature and name == names.signature.name)):
        problem = f"`{name}` is already a function"
    if problem is None and name in taken:
        problem = f"`{name}` is defined twice"
    if problem is not None:
        raise error("E412", problem, key.span, "choose another name")
    if match[2] is None:
        return name, None
    parameters = tuple(p.strip() for p in match[2].split(","))
    if parameters == ("",):
        raise error("E412", f"`{name}()` has no parameters", key.span, f"write `{name}: …`")
    for parameter in parameters:
        problem = name_problem(parameter) if parameter else "a parameter has no name"
        if problem is None and parameters.count(parameter) > 1:
            problem = f"two parameters are named `{parameter}`"
        if problem is None and (parameter in taken or parameter == name or parameter in names.used):
            problem = f"`{parameter}` is already a definition or a function"
        if problem is not None:
            raise error("E412", problem, key.span, "choose another name")
    return name, parameters


def _path(words: Mapping[str, set[str]], start: str, goal: str) -> list[str] | None:
    """A chain of definitions from `start` to `goal`, each using the next; None when there is none."""
    queue, seen = [[goal]] if start == goal else [[start]], {start}
    while queue:
        path = queue.pop(0)
        for name in sorted(words.get(path[-1], set()) & words.keys()):
            if name == goal:
                return [*path[1:], goal]
            if name not in seen:
                seen.add(name)
                queue.append([*path, name])
    return None

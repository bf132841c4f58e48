"""A program's expressions with their definitions put in place, and variables with other expressions in theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import count
from typing import Any

from intent_tool.language import tree
from intent_tool.language.contract import Definition
from intent_tool.language.tree import Expression
from intent_tool.language.walk import children, definition_reads, descendants
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.unparse import pattern_names

Environment = Mapping[str, Expression]
_fresh = count()


_NOTHING: Environment = {}


def resolve(node: Expression, where: Mapping[str, Definition], env: Environment = _NOTHING) -> Expression:
    """`node` without definitions, but for those that parts can call: functions of integers. What is bound inside gets
    names that nothing else has, so that nothing put in is caught."""
    return _Resolver(where).at(node, dict(env))


def opened(node: tree.CallDefinition, where: Mapping[str, Definition]) -> Expression:
    """A call that `resolve` kept, as what it stands for."""
    resolver, definition = _Resolver(where), where[node.name]
    names = dict(zip(definition.parameters or (), node.arguments or (), strict=True))
    return resolver.at(definition.body, dict(names))


def is_callable(definition: Definition, where: Mapping[str, Definition]) -> bool:
    """Whether a part can call it: it makes an integer of its parameters alone."""
    reads = definition_reads(where)
    called = [definition.body]
    for inner in called:
        called += [where[n.name].body for n in descendants(inner) if isinstance(
            n, tree.CallDefinition | tree.FunctionReference) and n.name in where and where[n.name].body not in called]
    if not definition.parameters or reads[definition.name] or any(
            isinstance(n, tree.Formatted | tree.Tuple) or (isinstance(n, tree.Call) and n.function == "int")
            for inner in called for n in descendants(inner)):
        return False
    return kinds.kind(_Resolver(where, frozenset()).at(definition.body, {})) == kinds.INTEGER


def substitute(node: Expression, env: Environment) -> Expression:
    """`node`, which has no definitions but those that are kept, with these in the place of variables."""
    return _Resolver({}, frozenset()).at(node, dict(env)) if env else node


class _Resolver:
    def __init__(self, where: Mapping[str, Definition], callable: frozenset[str] | None = None) -> None:
        """`callable` are definitions whose calls are kept; None for all that can be."""
        self.where = where
        self.callable = callable if callable is not None else frozenset(
            name for name, definition in where.items() if is_callable(definition, where))

    def at(self, node: Expression, env: dict[str, Expression]) -> Expression:
        match node:
            case tree.Name():
                return env.get(node.name, node)
            case tree.CallDefinition():
                arguments = [self.at(a, env) for a in node.arguments or ()]
                if node.name not in self.where:
                    return replace(node, arguments=tuple(arguments))
                definition = self.where[node.name]
                if node.name in self.callable and all(kinds.kind(a) == kinds.INTEGER for a in arguments):
                    return replace(node, arguments=tuple(arguments))
                return self.at(definition.body, dict(zip(definition.parameters or (), arguments, strict=True)))
            case tree.FunctionReference(kind="definition") if node.name in self.where:
                definition = self.where[node.name]
                parameters = tuple(_renamed(p) for p in definition.parameters or ())
                names = {p: tree.Name(node.span, q) for p, q in zip(definition.parameters or (), parameters,
                                                                   strict=True)}
                return tree.Lambda(node.span, parameters, self.at(definition.body, dict(names)))
            case tree.Lambda():
                parameters = tuple(map(_renamed, node.parameters))
                return tree.Lambda(node.span, parameters, self.at(node.body, env | _names(node, node.parameters,
                                                                                         parameters)))
            case tree.Comprehension():
                clauses = []
                for clause in node.clauses:
                    sequence = self.at(clause.sequence, env)
                    old = tuple(pattern_names(clause.target))
                    new = tuple(map(_renamed, old))
                    env = env | _names(node, old, new)
                    target = _repattern(clause.target, dict(zip(old, new, strict=True)))
                    clauses.append(replace(clause, target=target, sequence=sequence,
                                           conditions=tuple(self.at(c, env) for c in clause.conditions)))
                return replace(node, element=self.at(node.element, env), clauses=tuple(clauses))
            case tree.Formatted():
                return replace(node, parts=tuple(
                    p if isinstance(p, bytes) else replace(p, value=self.at(p.value, env)) for p in node.parts))
        return _item(rebuilt(node, lambda child: self.at(child, env)))


def _item(node: Expression) -> Expression:
    """The item itself where a tuple that is written out is indexed."""
    match node:
        case tree.Index(sequence=tree.Tuple(items=items), index=tree.Integer(value=place)) \
                if -len(items) <= place < len(items):
            return items[place]
    return node


def rebuilt(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """`node` with other operands. Not for what binds variables."""
    def changed(value: Any) -> Any:
        if isinstance(value, tree.Node):
            return change(value)  # type: ignore[arg-type]
        return tuple(map(changed, value)) if isinstance(value, tuple) else value
    old = {field.name: getattr(node, field.name) for field in fields(node)}
    new = {name: changed(value) for name, value in old.items() if name != "span"}
    return replace(node, **new) if any(new[name] != old[name] for name in new) else node


def fresh(name: str) -> str:
    """A name that nothing else has."""
    return f"{name.partition(chr(39))[0]}'{next(_fresh)}"


def _renamed(name: str) -> str:
    return name if name == "_" else fresh(name)


def _names(node: Expression, old: tuple[str, ...], new: tuple[str, ...]) -> dict[str, Expression]:
    return {a: tree.Name(node.span, b) for a, b in zip(old, new, strict=True)}


def _repattern(pattern: tree.Pattern, names: Mapping[str, str]) -> tree.Pattern:
    if pattern.name is not None:
        return replace(pattern, name=names[pattern.name])
    return replace(pattern, items=tuple(_repattern(item, names) for item in pattern.items))


def free_names(node: tree.Node, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names that are not bound inside."""
    if isinstance(node, tree.Name):
        if node.name not in bound:
            yield node.name
        return
    if isinstance(node, tree.Lambda):
        yield from free_names(node.body, bound | frozenset(node.parameters))
        return
    if isinstance(node, tree.Comprehension):
        for clause in node.clauses:
            yield from free_names(clause.sequence, bound)
            bound |= frozenset(pattern_names(clause.target))
            for condition in clause.conditions:
                yield from free_names(condition, bound)
        yield from free_names(node.element, bound)
        return
    for child in children(node):
        yield from free_names(child, bound)

"""The names of one contract: what an expression at each place may use, and how large it may get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from intent_tool.language.contract import Contract, Definition, Signature
from intent_tool.language.diagnostics import IntentError, error
from intent_tool.language.document import Scalar, Value, expression_text
from intent_tool.language.expression import Scope, parse_expression
from intent_tool.language.sorts import (
    INTEGER,
    SEQUENCE,
    SEQUENCE_OF_SEQUENCES,
    TUPLE,
    is_sequence,
    signature_sorts,
    sort_of,
)
from intent_tool.language.tree import Expression
from intent_tool.language.walk import Size, definition_reads, unfolded_size

MAX_UNFOLDED_DEPTH = 150
MAX_UNFOLDED_NODES = 100_000
"""Of an expression with all definitions put in place."""

_QUOTES_HELP = "YAML takes these quotes away; write b\"…\" for bytes, or f\"…\" in a program's output"


@dataclass
class Names:
    """Grows while the definitions of `where` are read. `signature` is None for a program."""

    signature: Signature | None
    used: Mapping[str, Contract]
    definitions: dict[str, Definition] = field(default_factory=dict)
    sorts: dict[str, str | None] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    """The values of the definitions that are constants."""
    sizes: dict[str, Size] = field(default_factory=dict)
    """Of definitions and used functions, unfolded."""

    def __post_init__(self) -> None:
        self.sizes.update((name, _formula_size(contract)) for name, contract in self.used.items())

    def scope(self, result: bool = False) -> Scope:
        """Of expressions over the parameters, and over `result` if asked for."""
        if self.signature is None:
            variables: dict[str, str | None] = {"stdin": SEQUENCE, "args": SEQUENCE_OF_SEQUENCES}
        else:
            variables = dict(signature_sorts(self.signature))
        hidden = {}
        if self.signature is not None:
            if result and self.signature.result is not None:
                variables["result"] = INTEGER
            else:
                hidden["result"] = ("the function returns nothing" if result else
                                    "it is known in `ensures` and in `then` of examples only")
            hidden[self.signature.name] = "a contract cannot call its own function; fold with `reduce`"
        intents = {name: used.signature for name, used in self.used.items() if used.signature is not None}
        return Scope(variables, self.definitions, self.sorts, self.constants, intents, hidden, self.signature is None)

    def example_scope(self) -> Scope:
        """Examples call the function with values; parameters mean nothing there."""
        assert self.signature is not None
        scope = self.scope()
        reads = definition_reads(self.definitions)
        closed = {n: d for n, d in self.definitions.items() if not reads[n]}
        hidden = {p.name: f"an example calls `{self.signature.name}` with values" for p in self.signature.parameters}
        hidden |= {n: "it depends on parameters" for n in self.definitions if n not in closed}
        hidden["result"] = f"an example calls `{self.signature.name}(…)`, or is a mapping of `given` and `then`"
        return Scope({}, closed, self.sorts, {n: v for n, v in self.constants.items() if n in closed},
                     {**scope.intents, self.signature.name: self.signature}, hidden)

    def then_scope(self) -> Scope:
        """Of `then`: the parameters, with buffers as they are afterwards."""
        scope = self.scope(result=True)
        closed = self.example_scope().definitions
        hidden = {n: "it depends on parameters" for n in self.definitions if n not in closed}
        return replace(scope, definitions=closed, hidden={**scope.hidden, **hidden})

    def measure(self, node: Expression) -> Size:
        size = unfolded_size(node, self.sizes)
        if size.depth > MAX_UNFOLDED_DEPTH:
            raise error("E417", f"with its definitions put in place the expression is {size.depth} deep; at most "
                        f"{MAX_UNFOLDED_DEPTH} is allowed", node.span, "fold with `reduce` over a table or a range")
        if size.nodes > MAX_UNFOLDED_NODES:
            raise error("E417", f"with its definitions put in place the expression has {size.nodes} parts; at most "
                        f"{MAX_UNFOLDED_NODES} are allowed", node.span, "fold with `reduce` over a table or a range")
        return size

    def expression(self, value: Value, what: str, scope: Scope, sort: str) -> Expression:
        """An expression whose value must be of `sort`."""
        try:
            built = parse_expression(expression_text(value, what), scope)
        except IntentError as problem:
            if isinstance(value, Scalar) and value.style in {"'", '"'} and sort == SEQUENCE:
                raise IntentError(*(replace(d, help=_QUOTES_HELP) for d in problem.diagnostics)) from None
            raise
        found = sort_of(built, scope.variables, scope.sorts)
        if sort == INTEGER and (is_sequence(found) or found == TUPLE):
            raise error("E419", f"{what} must be an integer, not a {found}", built.span)
        if sort == SEQUENCE and found in {INTEGER, TUPLE}:
            raise error("E419", f"{what} must be a sequence, not {'a tuple' if found == TUPLE else 'an integer'}",
                        built.span, "write `(… for x in data)`, or a list `[a, b]`")
        self.measure(built)
        return built



def _formula_size(contract: Contract) -> Size:
    sizes = {name: _formula_size(used) for name, used in contract.uses.items()}
    for name, definition in contract.where.items():
        sizes[name] = unfolded_size(definition.body, sizes)
    return unfolded_size(contract.returns, sizes) if contract.returns is not None else Size(1, 1)

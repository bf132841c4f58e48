"""What an expression without definitions is: an integer, a sequence, or a tuple; and what it is made of."""

from __future__ import annotations

from intent_tool.language import tree
from intent_tool.language.tree import Expression
from intent_tool.language.walk import descendants

INTEGER, SEQUENCE, TUPLE = "integer", "sequence", "tuple"
_SEQUENCES = frozenset({"range", "enumerate", "zip", "reversed", "sorted", "bytes"})
FOLDS = frozenset({"sum", "any", "all", "len", "reduce", "next", "min", "max"})


def kind(node: Expression, buffers: frozenset[str] = frozenset()) -> str:
    """`buffers` are names of byte sequences. Of a variable that is bound outside nothing is known but that."""
    match node:
        case tree.Bytes() | tree.List() | tree.Slice() | tree.Comprehension() | tree.Formatted():
            return SEQUENCE
        case tree.Tuple():
            return TUPLE
        case tree.Name():
            return SEQUENCE if node.name in ("stdin", "args") or node.name in buffers else INTEGER
        case tree.Binary(op="+"):
            return kind(node.left, buffers)
        case tree.Conditional():
            return kind(node.then, buffers)
        case tree.Index():
            return _element(node, buffers)
        case tree.Call():
            if node.function in _SEQUENCES:
                return SEQUENCE
            if node.function == "divmod":
                return TUPLE
            if node.function in ("reduce", "next"):
                return kind(node.arguments[-1], buffers)
    return INTEGER


def _element(node: tree.Index, buffers: frozenset[str]) -> str:
    base = node.sequence
    if isinstance(base, tree.Name) and base.name == "args":
        return SEQUENCE
    if isinstance(base, tree.Slice) and isinstance(base.sequence, tree.Name) and base.sequence.name == "args":
        return SEQUENCE
    if isinstance(base, tree.List | tree.Tuple) and base.items:
        place = node.index.value if isinstance(node.index, tree.Integer) else 0
        return kind(base.items[place if -len(base.items) <= place < len(base.items) else 0], buffers)
    if isinstance(base, tree.Call) and base.function == "reduce" and isinstance(base.arguments[2], tree.Tuple) \
            and isinstance(node.index, tree.Integer):
        return kind(base.arguments[2].items[node.index.value], buffers)
    return INTEGER


def is_truth(node: Expression) -> bool:
    """Whether it is 0 or 1, as its form tells."""
    match node:
        case tree.Compare() | tree.Unary(op="not") | tree.Call(function="any" | "all"):
            return True
        case tree.Logical():
            return all(map(is_truth, node.operands))
    return False


def mentions(node: tree.Node, *names: str) -> bool:
    return any(isinstance(n, tree.Name) and n.name in names for n in descendants(node))


def has_effects(node: tree.Node) -> bool:
    """Whether it can be computed only step by step: it looks at arguments, or reads a number from bytes."""
    return any((isinstance(n, tree.Name) and n.name in ("args", "stdin"))
               or (isinstance(n, tree.Call) and n.function == "int") for n in descendants(node))


def constant_range(node: Expression) -> range | None:
    """The numbers of a range between constants."""
    if not isinstance(node, tree.Call) or node.function != "range":
        return None
    bounds = [a.value for a in node.arguments if isinstance(a, tree.Integer)]
    return range(*bounds) if len(bounds) == len(node.arguments) and (len(bounds) < 3 or bounds[2]) else None


# Making expressions

def number(like: tree.Node, value: int) -> Expression:
    return tree.Integer(like.span, value)


def binary(op: str, left: Expression, right: Expression) -> Expression:
    if isinstance(left, tree.Integer) and isinstance(right, tree.Integer) and op in "+-":
        return number(left, left.value + right.value if op == "+" else left.value - right.value)
    return tree.Binary(left.span, op, left, right)


def compare(left: Expression, op: str, right: Expression) -> Expression:
    return tree.Compare(left.span, left, ((op, right),))


def call(function: str, *arguments: Expression) -> Expression:
    return tree.Call(arguments[0].span, function, arguments)


def choice(test: Expression, then: Expression, otherwise: Expression) -> Expression:
    return tree.Conditional(test.span, test, then, otherwise)

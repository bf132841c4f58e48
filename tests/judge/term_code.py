"""Terms as Python functions: for evaluating the same few terms on very many inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from intent_tool.judge.bitvector import Term, signed, value_of


def compiled(roots: Sequence[Term], sources: Mapping[str, str], arguments: str) -> Callable[..., list[int]]:
    """A function of `arguments` that returns the values of `roots`.

    `sources` has the expression, in terms of the arguments, of each variable; ``{0}``, ``{1}`` … in it are the
    values of the terms that `roots` starts with."""
    lines: list[str] = []
    known: dict[int, str] = {}

    def name_of(root: Term) -> str:
        stack = [root]
        while stack:
            term = stack[-1]
            if term.id in known:
                stack.pop()
                continue
            missing = [a for a in term.args if a.id not in known]
            if missing:
                stack += missing
                continue
            stack.pop()
            if term.op == "const":
                known[term.id] = str(term.data)
                continue
            text = sources[term.data].format(*names) if term.op == "var" else _expression(
                term, [known[a.id] for a in term.args])
            known[term.id] = f"t{term.id}"
            lines.append(f"t{term.id} = {text}")
        return known[root.id]

    names: list[str] = []
    for root in roots:
        names.append(name_of(root))
    body = "\n    ".join([*lines, f"return [{', '.join(names)}]"])
    space: dict[str, object] = {"signed": signed, "value_of": value_of, "terms": {}}
    for text in lines:
        if "value_of" in text:
            space["terms"] = _Terms(roots)
            break
    exec(f"def f({arguments}):\n    {body}", space)
    function: Callable[..., list[int]] = space["f"]  # type: ignore[assignment]
    return function


class _Terms(dict[int, Term]):
    """Terms by number, for the operators that have no expression of their own."""

    def __init__(self, roots: Sequence[Term]) -> None:
        from intent_tool.judge.bitvector import topological

        super().__init__({t.id: t for t in topological(roots)})


def _expression(term: Term, a: list[str]) -> str:
    width = term.width
    full = hex((1 << width) - 1)
    match term.op:
        case "sum":
            parts = [name if c == 1 else f"{c} * {name}" for c, name in zip(term.data[0], a, strict=True)]
            return f"({' + '.join([*parts, str(term.data[1])])}) & {full}"
        case "mul":
            return f"{a[0]} * {a[1]} & {full}"
        case "and" | "or" | "xor":
            return f"{a[0]} {dict(zip(('and', 'or', 'xor'), '&|^', strict=True))[term.op]} {a[1]}"
        case "not":
            return f"{a[0]} ^ {full}"
        case "shl":
            return f"{a[0]} << {a[1]} & {full} if {a[1]} < {width} else 0"
        case "lshr":
            return f"{a[0]} >> {a[1]} if {a[1]} < {width} else 0"
        case "concat":
            return f"{a[0]} << {term.args[1].width} | {a[1]}"
        case "extract":
            return f"{a[0]} >> {term.data[1]} & {full}"
        case "zext":
            return a[0]
        case "sext":
            inner = term.args[0].width
            return f"{a[0]} | {hex((1 << width) - (1 << inner))} if {a[0]} >> {inner - 1} else {a[0]}"
        case "eq":
            return f"int({a[0]} == {a[1]})"
        case "ult":
            return f"int({a[0]} < {a[1]})"
        case "slt":
            half = hex(1 << term.args[0].width - 1)
            return f"int(({a[0]} ^ {half}) < ({a[1]} ^ {half}))"
        case "ite":
            return f"{a[1]} if {a[0]} else {a[2]}"
        case "popcount":
            return f"{a[0]}.bit_count()" if not a[0].isdigit() else f"({a[0]}).bit_count()"
    return f"value_of(terms[{term.id}], [{', '.join(a)}], {{}})"

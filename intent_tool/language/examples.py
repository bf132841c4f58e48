"""Examples of functions and programs."""

from __future__ import annotations

import re
from dataclasses import replace

from intent_tool.language import document
from intent_tool.language.contract import FunctionExample, Parameter, ProgramExample, Signature
from intent_tool.language.diagnostics import Span, error
from intent_tool.language.document import Scalar, Value, expression_text
from intent_tool.language.expression import Scope, parse_expression, parse_keywords
from intent_tool.language.oracle import OracleFault, closed_value
from intent_tool.language.sorts import TUPLE, is_sequence, sort_of
from intent_tool.language.tree import CallIntent, Expression
from intent_tool.language.walk import descendants

_PROGRAM_KEYS = ("args", "stdin", "stdout", "stderr", "exit")


def function_example(item: Value, signature: Signature, calls: Scope, then: Scope,
                     aliases: frozenset[frozenset[str]]) -> FunctionExample:
    """One item of a function's `examples`. `calls` is the scope of a check over calls, `then` that of ``then``."""
    if isinstance(item, document.Mapping) and {e.key.value for e in item.entries} & {"given", "then"}:
        return _given_example(item, signature, calls, then, aliases)
    text = expression_text(item, "an example")
    check = _predicate(parse_expression(text, calls), calls)
    if not any(isinstance(n, CallIntent) and n.name == signature.name for n in descendants(check)):
        usage = f"{signature.name}({', '.join(p.name for p in signature.parameters)})"
        raise error("E415", f"the example does not call `{signature.name}`", check.span,
                    f"write it as in `{usage} == …`, with values")
    if signature.result is None:
        raise error("E415", f"`{signature.name}` returns nothing that could be compared", check.span,
                    "write a mapping: `given: …` with the arguments, `then: …` with the buffers afterwards")
    return FunctionExample(None, check, check.span, " ".join(text.value.split()))


def _predicate(check: Expression, scope: Scope) -> Expression:
    sort = sort_of(check, scope.variables, scope.sorts)
    if is_sequence(sort) or sort == TUPLE:
        raise error("E415", f"an example must be true or false, not a {sort}", check.span)
    return check


def _given_example(item: document.Mapping, signature: Signature, closed: Scope, then: Scope,
                   aliases: frozenset[frozenset[str]]) -> FunctionExample:
    for entry in item.entries:
        if entry.key.value not in {"given", "then"}:
            raise error("E415", f"`{entry.key.value[:60]}` is not a key of examples", entry.key.span,
                        "the keys are `given` and `then`")
    given_value, then_value = item.get("given"), item.get("then")
    if given_value is None or then_value is None:
        raise error("E415", f"the example has no `{'given' if given_value is None else 'then'}`", item.span,
                    "write `given: …` with the arguments, and `then: …` with what must hold afterwards")
    text = expression_text(given_value, "`given`")
    given: dict[str, int | tuple[int, ...]] = {}
    names = [p.name for p in signature.parameters]
    taken = dict.fromkeys([*closed.definitions, *closed.intents], "the arguments are given as values")
    constants = replace(closed, definitions={}, constants={}, intents={}, hidden={**closed.hidden, **taken})
    for name, (expression, place) in parse_keywords(text, constants).items():
        if name not in names:
            raise error("E416", f"`{name}` is not a parameter of `{signature.name}`", place,
                        f"the parameters are {', '.join(names)}" if names else None)
        given[name] = _argument(signature.parameter(name), expression)
    missing = [n for n in names if n not in given]
    if missing:
        raise error("E416", f"`given` says nothing of `{missing[0]}`", text.span())
    _check_lengths(signature, given, aliases, text.span())
    check_text = expression_text(then_value, "`then`")
    check = _predicate(parse_expression(check_text, then), then)
    joined = " ".join(f"given {text.value}, then {check_text.value}".split())
    return FunctionExample(given, check, check.span, joined)


def _argument(parameter: Parameter, expression: Expression) -> int | tuple[int, ...]:
    try:
        value = closed_value(expression)
    except OracleFault as fault:
        raise error("E416", f"`{parameter.name}` has no value: {fault.message}", expression.span) from None
    if isinstance(value, int) == (parameter.buffer is not None):
        wanted = "a sequence" if parameter.buffer else "an integer"
        raise error("E416", f"`{parameter.name}` is {wanted}", expression.span)
    items = (value,) if isinstance(value, int) else tuple(value)
    low, high = parameter.type.minimum, parameter.type.maximum
    for number in items:
        if not isinstance(number, int) or not low <= number <= high:
            raise error("E416", f"`{parameter.name}` is {number!r:.60}, which does not fit `{parameter.type.name}`",
                        expression.span, f"its values are {low} to {high}")
    return int(value) if isinstance(value, int) else tuple(int(n) for n in value)


def _check_lengths(signature: Signature, given: dict[str, int | tuple[int, ...]],
                   aliases: frozenset[frozenset[str]], span: Span) -> None:
    scalars = {n: v for n, v in given.items() if isinstance(v, int)}
    for parameter in signature.parameters:
        content = given[parameter.name]
        if parameter.buffer is not None and isinstance(content, tuple):
            wanted = closed_value(parameter.buffer.length, scalars)
            if wanted != len(content):
                raise error("E416", f"`{parameter.name}` has {len(content)} elements; the signature says {wanted}",
                            span)
    for pair in aliases:
        left, right = (given[name] for name in sorted(pair))
        if isinstance(left, tuple) and isinstance(right, tuple) and any(
                a != b for a, b in zip(left, right, strict=False)):
            raise error("E416", f"{' and '.join(f'`{n}`' for n in sorted(pair))} start at the same place, so their "
                        "contents before are the same", span)


def program_example(item: Value) -> ProgramExample:
    """One item of a program's `examples`."""
    if not isinstance(item, document.Mapping):
        raise error("E415", "an example of a program is a mapping", item.span,
                    "write `- stdin: …` and below it `stdout: …`; also `args: [a, b]`, `stderr` and `exit`")
    texts = {"stdin": b"", "stdout": b"", "stderr": b""}
    args: tuple[bytes, ...] = ()
    status = 0
    for entry in item.entries:
        key, value = entry.key.value, entry.value
        if key not in _PROGRAM_KEYS:
            raise error("E415", f"`{key[:60]}` is not a key of examples", entry.key.span,
                        f"the keys are {', '.join(_PROGRAM_KEYS)}")
        if key == "args":
            if not isinstance(value, document.Sequence):
                raise error("E415", "`args` is a list", value.span, "write `args: [first, second]`")
            args = tuple(_bytes(i, "an argument") for i in value.items)
            if any(0 in a for a in args):
                raise error("E415", "an argument cannot hold a zero byte", value.span)
        elif key == "exit":
            status = _status(value)
        else:
            texts[key] = _bytes(value, f"`{key}`")
    return ProgramExample(args, texts["stdin"], texts["stdout"], texts["stderr"], status, item.span)


def _status(value: Value) -> int:
    if not isinstance(value, Scalar) or not re.fullmatch(r"0|[1-9][0-9]{0,2}", value.value) or int(value.value) > 255:
        raise error("E415", "`exit` is a decimal number from 0 to 255", value.span)
    return int(value.value)


def _bytes(value: Value, what: str) -> bytes:
    """A text is its UTF-8; one that starts with ``b"`` is an expression."""
    if not isinstance(value, Scalar):
        raise error("E415", f"{what} is a text", value.span, "quote it")
    if not re.match(r"""b["']""", value.value):
        return value.value.encode()
    expression = parse_expression(value.text, Scope({}, is_program=True))
    try:
        found = closed_value(expression)
    except OracleFault as fault:
        raise error("E415", f"{what} has no value: {fault.message}", expression.span) from None
    if not isinstance(found, bytes):
        raise error("E415", f"{what} is not a byte string", expression.span)
    return found

"""Did the calls do what was expected of them? Says so in the user's terms."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from intent_tool.judge.calls import (
    Batch,
    Window,
    decode_elements,
    encode_elements,
    mask,
    shown_bytes,
    sign_extended,
    typed,
)
from intent_tool.judge.expect import Expectation
from intent_tool.judge.harness.protocol import (
    KEPT,
    STATUS_DIRECTION,
    STATUS_FAULTS,
    STATUS_OUTSIDE,
    STATUS_SENTINEL,
    STATUS_SP,
    Outcome,
)
from intent_tool.language.contract import Contract, Parameter, ScalarType
from intent_tool.language.oracle import Oracle, shown, shown_call
from intent_tool.machine.target import Target

_PLATFORM = frozenset({"x18", "gp", "tp"})
_STATUS_TEXTS = {
    STATUS_SP: "returns with a wrong stack pointer",
    STATUS_SENTINEL: "writes to the stack of its caller",
    STATUS_DIRECTION: "returns with the direction flag set",
    STATUS_OUTSIDE: "writes outside its buffers",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What one comparison is about."""

    contract: Contract
    target: Target
    oracle: Oracle
    batch: Batch
    expected: Expectation
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failure:
    """One call that went wrong."""

    index: int
    """Which input."""
    what: str
    """Begins with the call: ``f(1, 2) is 4, must be 3``."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What one call left behind."""

    result: int | None
    """As a number of its type."""
    after: dict[str, tuple[int, ...]]
    """Every buffer's content."""


def finished(batch: Batch, outcome: Outcome) -> int:
    """How many calls came back; by the length of the results when the emulator died before it could say."""
    if outcome.done >= 0:
        return outcome.done
    return max(i for i, start in enumerate(batch.result_starts) if start <= len(outcome.results))


def failures(context: Context) -> Iterator[Failure]:
    """The calls that came back but did wrong, in the order of the inputs."""
    contract, batch, expected = context.contract, context.batch, context.expected
    suspects: Iterator[int] | list[int] = iter(range(finished(batch, context.outcome)))
    if not batch.regions and not contract.ensures:
        suspects = _suspects(context, expected.results)
    assert contract.signature is not None
    for i in suspects:
        for what in _problems(context, i):
            yield Failure(i, f"{shown_call(contract.signature.name, batch.inputs[i])} {what}")


def returned(context: Context, index: int) -> Returned:
    """The result and the buffers after call `index`."""
    assert context.contract.signature is not None
    signature, batch = context.contract.signature, context.batch
    word, _, contents = _record(context, index)
    after: dict[str, tuple[int, ...]] = {}
    for region, window, now in zip(batch.regions, batch.windows[index], contents, strict=True):
        for p in region.parameters:
            parameter = signature.parameters[p]
            size = len(batch.inputs[index][p]) * parameter.type.bytes  # type: ignore[arg-type]
            after[parameter.name] = decode_elements(now[window.buffer:window.buffer + size], parameter.type)
    return Returned(typed(word, signature.result) if signature.result is not None else None, after)


def _suspects(context: Context, wanted: Sequence[int] | None) -> list[int]:
    """A quick look at calls without memory: all that may have gone wrong."""
    assert context.contract.signature is not None
    type_ = context.contract.signature.result
    words = array("Q")
    words.frombytes(context.outcome.results[:16 * finished(context.batch, context.outcome)])
    results, statuses = words[0::2], words[1::2]
    found = {i for i, status in enumerate(statuses) if status & STATUS_FAULTS}
    if type_ is not None and wanted is None:
        found.update(range(len(results)))
    elif type_ is not None and wanted is not None:
        if context.target.abi.narrow_values == "sign-extended":
            found.update(i for i, (r, w) in enumerate(zip(results, wanted, strict=False))
                         if r != sign_extended(w, type_))
        else:
            low = mask(type_)
            found.update(i for i, (r, w) in enumerate(zip(results, wanted, strict=False)) if (r ^ w) & low)
    return sorted(found)


def _record(context: Context, index: int) -> tuple[int, int, list[bytes]]:
    """The result word, the status, and the windows' contents of one call."""
    starts, results = context.batch.result_starts, context.outcome.results
    record = results[starts[index]:starts[index + 1]]
    contents, at = [], 16
    for window in context.batch.windows[index]:
        contents.append(record[at:at + len(window.content)])
        at += len(window.content)
    return int.from_bytes(record[:8], "little"), int.from_bytes(record[8:16], "little"), contents


def _problems(context: Context, index: int) -> Iterator[str]:
    """What one call did wrong, the telling things first."""
    contract, batch, expected = context.contract, context.batch, context.expected
    assert contract.signature is not None
    word, status, contents = _record(context, index)
    if contract.signature.result is not None:
        wanted = expected.results[index] if expected.results is not None else None
        problem = _result_problem(contract.signature.result, word, wanted, context.target)
        if problem is not None:
            yield problem
    for number, now in enumerate(contents):
        yield from _memory_problems(context, index, number, now)
    if status & STATUS_FAULTS:
        yield from _status_problems(status, context.target)
    if contract.ensures:
        left = returned(context, index)
        if not context.oracle.ensures(batch.inputs[index], left.result, left.after):
            is_ = f"is {left.result}" if left.result is not None else "leaves its buffers so"
            yield f"{is_}, for which `ensures` does not hold"


def _result_problem(type_: ScalarType, word: int, wanted: int | None, target: Target) -> str | None:
    value = typed(word, type_)
    if wanted is not None and value != wanted:
        return f"is {value}, must be {wanted}"
    if type_.is_bool and value not in (0, 1):
        return f"is {value}, must be 0 or 1"
    if target.abi.narrow_values == "sign-extended" and word != sign_extended(value, type_):
        return (f"is {value}, but {target.abi.result} holds {word:#x}, must be {sign_extended(value, type_):#x} "
                "(the ABI wants it sign-extended from 32 bits)")
    return None


def _status_problems(status: int, target: Target) -> Iterator[str]:
    changed = [name for i, name in enumerate(KEPT[target.isa]) if status >> i & 1]
    own = [name for name in changed if name not in _PLATFORM]
    if own:
        yield f"does not preserve {', '.join(own)}"
    for name in changed:
        if name in _PLATFORM:
            yield f"changes {name}, which belongs to the platform"
    for bit, text in _STATUS_TEXTS.items():
        if status & bit:
            yield text


def _memory_problems(context: Context, index: int, number: int, now: bytes) -> Iterator[str]:
    """What is wrong with one region after one call."""
    window, region = context.batch.windows[index][number], context.batch.regions[number]
    if not region.writable and now == window.content:
        return
    contents = context.expected.contents[index] if context.expected.contents is not None else {}
    wanted = bytearray(window.content)
    free = 0
    for parameter in region.buffers:
        if parameter.name in contents:
            encoded = encode_elements(contents[parameter.name], parameter.type)
            wanted[window.buffer:window.buffer + len(encoded)] = encoded
        elif parameter.buffer is not None and parameter.buffer.writable:
            free = window.length
    # What a contract without a formula for it says about a writable buffer is checked by `ensures` and the examples.
    wanted[window.buffer:window.buffer + free] = now[window.buffer:window.buffer + free]
    if now != wanted:
        yield _first_difference(window, region.buffers, bytes(wanted), now)


def _first_difference(window: Window, parameters: Sequence[Parameter], wanted: bytes, now: bytes) -> str:
    """Names the place nearest to the buffer, since that is where a mistake of one shows."""
    start, end = window.buffer, window.buffer + window.length
    names = " and ".join(p.name for p in parameters)
    different = [i for i, (a, b) in enumerate(zip(wanted, now, strict=True)) if a != b]
    inside = [i for i in different if start <= i < end]
    if inside:
        writable = [p for p in parameters if p.buffer is not None and p.buffer.writable]
        shown_as = writable[0] if writable else parameters[0]
        size = shown_as.type.bytes
        element = (inside[0] - start) // size
        place = slice(start + element * size, start + (element + 1) * size)
        if not writable:
            return f"changes {names}[{element}], which is const"
        if len(now[place]) == size:
            is_, must = (decode_elements(part[place], shown_as.type)[0] for part in (now, wanted))
            return f"leaves {shown_as.name}[{element}] as {shown(is_)}, must be {shown(must)}"
    before = [start - i for i in different if i < start]
    if before:
        return f"writes outside its buffers: {shown_bytes(min(before))} before {names}"
    return f"writes outside its buffers: {shown_bytes(min(i - end for i in different) + 1)} after the end of {names}"

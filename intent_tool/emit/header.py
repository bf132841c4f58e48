"""The C header of an intent: valid C99 and C++, with the prose and the contract as its comment."""

from __future__ import annotations

import textwrap

from intent_tool.language.contract import Contract, Parameter, ScalarType, Signature
from intent_tool.language.diagnostics import error
from intent_tool.language.load import key_text

_RESTRICT = """\
#ifndef INTENT_RESTRICT
#  if defined(__cplusplus) && (defined(__GNUC__) || defined(_MSC_VER))
#    define INTENT_RESTRICT __restrict
#  elif defined(__cplusplus)
#    define INTENT_RESTRICT
#  else
#    define INTENT_RESTRICT restrict
#  endif
#endif
"""

_INCLUDES = {
    "bool": "stdbool.h", "_Bool": "stdbool.h", "size_t": "stddef.h",
    **{f"{sign}int{bits}_t": "stdint.h" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}

_CONTRACT_KEYS = ("where", "requires", "returns", "ensures", "writes", "limits", "secret")


def header_text(contract: Contract, *others: Contract, guard: str | None = None) -> str:
    """A header that declares the functions of all the given contracts.

    `guard` names the include guard, without prefix and suffix; by default the first function's name. Raises
    `IntentError` E901 for a program, which has nothing to declare."""
    contracts = (contract, *others)
    signatures = [_signature(c) for c in contracts]
    scalars = [t for s in signatures for t in (s.result, *(p.type for p in s.parameters)) if t is not None]
    includes = sorted({_INCLUDES[t.name] for t in scalars if t.name in _INCLUDES})
    macro = f"INTENT_{guard or signatures[0].name}_H"
    lines = [f"#ifndef {macro}", f"#define {macro}", ""]
    lines += [f"#include <{name}>" for name in includes] + [""] * bool(includes)
    declarations = [(_comment(c), _declaration(c, s)) for c, s in zip(contracts, signatures, strict=True)]
    if any("INTENT_RESTRICT" in declaration for _, declaration in declarations):
        lines += [_RESTRICT]
    lines += ["#ifdef __cplusplus", 'extern "C" {', "#endif", ""]
    for comment, declaration in declarations:
        lines += [comment, declaration, ""]
    lines += ["#ifdef __cplusplus", "}", "#endif", "", f"#endif /* {macro} */", ""]
    return "\n".join(lines)


def _signature(contract: Contract) -> Signature:
    if contract.signature is None:
        raise error("E901", f"`{contract.name}` is a program: it has no header", contract.key_spans.get("program"),
                    "leave the header out; only functions are called from C")
    return contract.signature


def _declaration(contract: Contract, signature: Signature) -> str:
    parameters = ", ".join(_parameter(contract, signature, p) for p in signature.parameters) or "void"
    result = "void" if signature.result is None else _spelling(signature.result)
    return f"{result} {signature.name}({parameters});"


def _parameter(contract: Contract, signature: Signature, parameter: Parameter) -> str:
    if parameter.buffer is None:
        return f"{_spelling(parameter.type)} {parameter.name}"
    const = "" if parameter.buffer.writable else "const "
    restrict = "INTENT_RESTRICT " if _is_exclusive(contract, signature, parameter) else ""
    return f"{const}{_spelling(parameter.type)} *{restrict}{parameter.name}"


def _is_exclusive(contract: Contract, signature: Signature, parameter: Parameter) -> bool:
    """Whether `restrict` is true of this buffer, and says something: another buffer is there, one of the two is
    written, and no buffer is declared to be the same memory."""
    assert parameter.buffer is not None
    others = [p for p in signature.parameters if p.buffer is not None and p.name != parameter.name]
    if any(frozenset((parameter.name, other.name)) in contract.aliases for other in others):
        return False
    return any(parameter.buffer.writable or (other.buffer is not None and other.buffer.writable) for other in others)


def _spelling(type: ScalarType) -> str:
    return "bool" if type.is_bool else type.name


def _comment(contract: Contract) -> str:
    prose = [line for paragraph in contract.prose.strip().split("\n")
             for line in (textwrap.wrap(paragraph, 100, break_long_words=False, break_on_hyphens=False) or [""])]
    assert contract.signature is not None
    body = [*prose, "", *contract.signature.text.strip().split("\n"), *_contract_lines(contract)]
    return "\n".join(["/*", *((" * " + _harmless(line)).rstrip() for line in body), " */"])


def _contract_lines(contract: Contract) -> list[str]:
    """The lines of the file that say the contract."""
    parts = [part for key in _CONTRACT_KEYS if (part := key_text(contract, key)) is not None]
    # Two keys on one line ({intent: …, returns: …}) are the same lines: say them once.
    return [line for part in dict.fromkeys(parts) for line in part.split("\n")]


def _harmless(line: str) -> str:
    """`line` without anything that could end the comment or change what a compiler reads: comment marks,
    trigraphs, a line continuation, control and bidirectional characters."""
    text = "".join(c if c.isprintable() else "." for c in line.expandtabs())
    for mark, harmless in (("*/", "* /"), ("/*", "/ *"), ("??", "? ?")):
        while mark in text:
            text = text.replace(mark, harmless)
    return text + " ." if text.rstrip().endswith("\\") else text

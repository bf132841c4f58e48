"""The formats of an f-string's fields: ``d x X o b c s`` with fill, alignment, sign, width and ``,``."""

from __future__ import annotations

import re

from intent_tool.language.diagnostics import Span, error

MAX_FORMAT_WIDTH = 1000


def _sentence(problem: Exception) -> str:
    text = str(problem).rstrip(".")
    return text[:1].lower() + text[1:]


_FORMAT = re.compile(r"(?:(?:[^{}])?[<>=^])?[-+ ]?#?0?(?P<width>[0-9]*),?(?P<type>[dxXobcs])?", re.DOTALL)


def check_format(spec: str, span: Span) -> None:
    """Raises `IntentError` unless `spec` is a format of integers or byte strings."""
    match = _FORMAT.fullmatch(spec)
    help = "formats are `d x X o b c s` with width, fill, alignment, sign and `,`"
    if match is None:
        raise error("E310", f"`{spec}` is not a format", span, help)
    if match["width"] and (len(match["width"]) > 4 or int(match["width"]) > MAX_FORMAT_WIDTH):
        raise error("E310", f"a field of more than {MAX_FORMAT_WIDTH} characters", span)
    try:
        format("a" if match["type"] == "s" else 65, spec)
    except ValueError as problem:
        raise error("E310", f"`{spec}` is not a format: {_sentence(problem)}", span,
                    help) from None

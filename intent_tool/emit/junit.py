"""JUnit XML, as continuous-integration services read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True)
class Case:
    """One test: one intent on one target."""

    classname: str
    name: str
    seconds: float
    output: str = ""
    failure: str | None = None
    """Why a binary is wrong."""
    error: str | None = None
    """Why there was nothing to test."""


def junit_text(suite: str, cases: Iterable[Case]) -> str:
    """The whole document for one test suite, sorted by case."""
    ordered = sorted(cases, key=lambda c: (c.classname, c.name))
    failures = sum(c.failure is not None for c in ordered)
    errors = sum(c.error is not None for c in ordered)
    seconds = sum(c.seconds for c in ordered)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<testsuite name={_attribute(suite)} tests="{len(ordered)}" failures="{failures}" errors="{errors}"'
             f' skipped="0" time="{seconds:.3f}">']
    for case in ordered:
        lines.append(f'  <testcase classname={_attribute(case.classname)} name={_attribute(case.name)}'
                     f' time="{case.seconds:.3f}">')
        for tag, text in (("failure", case.failure), ("error", case.error)):
            if text is not None:
                first = text.split("\n", 1)[0]
                lines.append(f"    <{tag} message={_attribute(first)}>{escape(_legal(text))}</{tag}>")
        if case.output:
            lines.append(f"    <system-out>{escape(_legal(case.output))}</system-out>")
        lines.append("  </testcase>")
    return "\n".join([*lines, "</testsuite>", ""])


def _attribute(text: str) -> str:
    return quoteattr(_legal(text))


def _legal(text: str) -> str:
    """XML 1.0 (2.2 Characters) has no way to write most control characters: show them as U+FFFD."""
    return "".join(c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
                   else "\N{REPLACEMENT CHARACTER}" for c in text)

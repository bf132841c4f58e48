"""Where the contract goes in a file, and how its expressions are written there."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_model import LOWERED, TO_LOWER, Desk, formula, model

from intent_tool.language.document import Mapping, Sequence, expression_text, parse_document, source_of
from intent_tool.language.load import load_text
from intent_tool.propose.ai.contract_answer import Formula
from intent_tool.propose.ai.contract_bare import bare_contract
from intent_tool.propose.ai.contract_text import with_formula


@pytest.mark.parametrize("text", [
    TO_LOWER.replace("\n", "\r\n"), "\ufeff" + TO_LOWER, TO_LOWER.rstrip("\n"), TO_LOWER.partition("\n\n")[0],
    "---\n" + TO_LOWER + "...\n", TO_LOWER.partition("examples:")[0] + "...\n",
    'intent: "Two lines,\n# no comment"\nsignature: uint8_t to_lower(uint8_t c)\n',
    "signature: uint8_t to_lower(uint8_t c)\nintent: |\n  Lower-case.\n\n  # No comment.",
    "  intent: Indented.\n  signature: uint8_t to_lower(uint8_t c)\n  examples:\n  - to_lower(1) == 1\n",
], ids=["crlf", "mark", "no-newline", "no-examples", "document", "dots", "quoted", "block-at-end", "indented"])
def test_every_other_byte_stays(text: str) -> None:
    assert bare_contract(Path("f.intent"), text.encode(), Path()).returns is None
    written = with_formula(text, Formula(where=(("lowered", LOWERED),), returns="lowered"), "f.intent")
    newline, indent = "\r\n" if "\r" in text else "\n", "  " if text.startswith("  ") else ""
    lines = [f"{indent}{line}{newline}" for line in ("where:", f"  lowered: {LOWERED}", "returns: lowered")]
    before, block, after = written.partition("".join(lines))
    assert block and before + after in {text, text + newline}
    assert load_text(written, "f.intent", Path()).returns is not None


def test_a_comment_belongs_to_what_is_below_it() -> None:
    written = with_formula(TO_LOWER, Formula(returns="c"), "f.intent")
    assert "# one byte\n\nreturns: c\n# The ends of the alphabet.\nexamples:\n" in written


@pytest.mark.parametrize("expression", [
    "c", "-c", "0o17", "1_000", "0x1_0", "yes", "null", "~", "0 - 1", "2024-01-02", "[1, 2][c]", "{c}", "'a'", '"a"',
    "*c", "&c", "!c", "|", ">", "%c", "@c", "`c`", "- c", "? c", "c: d", "c:", "b': '[0]", "b' #'[0]", "b'#'[0]",
    "c, d", "...", "---", "b'  '", "<<", "=", "c if c else 'x: y'", "(c)", ",", "]", "}", "12e3", ".5", "b'\\n'[0]"])
def test_expressions_are_what_yaml_reads(expression: str) -> None:
    """Also those that are no expressions of the language, which is for its own parser to say."""
    wanted = Formula((("d(x)", expression),), (expression, "c"), expression, (), (("out", expression),))
    top = parse_document(source_of(with_formula(TO_LOWER, wanted, "f.intent"), "f.intent"))
    values = {entry.key.value: entry.value for entry in top.entries}
    where, requires, writes = values["where"], values["requires"], values["writes"]
    assert isinstance(where, Mapping) and isinstance(requires, Sequence) and isinstance(writes, Mapping)
    for value in (where.entries[0].value, requires.items[0], values["returns"], writes.entries[0].value):
        assert expression_text(value, "it").value.rstrip("\n") == expression


def test_expressions_that_yaml_would_read_otherwise(desk: Desk) -> None:
    file = desk.write("intent: A table.\nsignature: uint8_t f(uint8_t i)\nexamples:\n  - f(1) == 35\n")
    answer = formula('[58, table[1], 0][i]', requires=["[i, 3][0] < 3", "i >= 0"],
                     where=[{"name": "table", "expr": 'b": #"[1:] if True else b""'}])
    with model(answer) as good:
        ran = desk.formalise(good, file, "--write")
    assert ran.status == 0, ran.err
    assert file.read_text() == """\
intent: A table.
signature: uint8_t f(uint8_t i)
where:
  table: |
    b": #"[1:] if True else b""
requires:
  - |
    [i, 3][0] < 3
  - i >= 0
returns: |
  [58, table[1], 0][i]
examples:
  - f(1) == 35
"""



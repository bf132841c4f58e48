"""Files: places in them, what they use, and what of them is kept."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from intent_tool.language.codes import CODES
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Diagnostic, IntentError
from intent_tool.language.load import key_text, load_intent, load_text, project_root

FUNCTION = "intent: x\nsignature: uint32_t {name}(uint32_t x)\n{more}returns: {returns}\n"
LANGUAGE = Path(__file__).parents[2] / "intent_tool" / "language"


def write(path: Path, returns: str = "x", uses: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FUNCTION.format(name=path.stem, returns=returns, more=f"uses: [{uses}]\n" if uses else ""))
    return path


def problem(path: Path, root: Path | None = None) -> Diagnostic:
    with pytest.raises(IntentError) as caught:
        load_intent(path, root)
    return caught.value.diagnostics[0]


def text_problem(text: str) -> Diagnostic:
    with pytest.raises(IntentError) as caught:
        load_text(text)
    return caught.value.diagnostics[0]


def test_byte_order_mark_and_carriage_returns_take_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "f.intent"
    path.write_bytes("\ufeffintent: x\r\nsignature: int f(int a)\r\nreturns: |\r\n  a +\r\n  oops\r\n".encode())
    found = problem(path)
    assert found.span is not None
    assert (found.span.line, found.span.column, found.span.length) == (5, 3, 4)
    assert found.render().splitlines()[1:3] == ["    5 |   oops", "      |   ^^^^"]
    path.write_bytes(b"\xef\xbb\xbfintnet: x\r\n")
    assert problem(path).span.column == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(("value", "line", "column"), [
    ("a + oops", 3, 14), ("'a + oops'", 3, 15), ('"a + oops"', 3, 15), ('"\\x61 + oops"', 3, 18),
    ('"a +\\\n  oops"', 4, 3), ("a +\n   oops", 4, 4), ("|\n   a +\n     oops", 5, 6),
    (">\n   a +\n\n   oops", 6, 4), ("|2-\n    a + oops", 4, 9), ("| # note\n   oops", 4, 4),
    ("'a\n\n  + oops'", 5, 5),
    ("'ord(''b'') + oops'", 3, 24),
    ("|\n  min(a,  # note\n  oops)", 5, 3),
])
def test_places_in_every_style(value: str, line: int, column: int) -> None:
    found = text_problem(f"intent: x\nsignature: int f(int a)\nreturns: {value}\n")
    assert found.message == "`oops` is not known"
    assert found.span is not None
    assert (found.span.line, found.span.column, found.span.length) == (line, column, 4)


def test_places_count_characters_and_not_bytes() -> None:
    found = text_problem("intent: x\nprogram: f\nstdout: f\"größe {oops}\" + b\"x\"\n")
    assert found.span is not None
    assert (found.span.line, found.span.column, found.span.length) == (3, 18, 4)
    found = text_problem("intent: x\nprogram: f\nstdout: f\"größe\" + oops\n")
    assert found.span is not None
    assert (found.span.column, found.span.length) == (20, 4)


def test_both_yaml_parsers_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libyaml is missing, PyYAML's own parser must lead to the same places."""
    import yaml

    cases = [p for p in sorted((Path(__file__).parent / "cases").glob("*/*.intent")) if "deep" not in p.stem]
    outcomes = []
    for _ in range(2):
        found = []
        for path in cases:
            try:
                contract = load_intent(path, path.parents[1])
                found.append(str(sorted((k, s.line, s.column) for k, s in contract.key_spans.items())))
            except IntentError as caught:
                # The parsers word some of YAML's own errors differently, and place them a character apart.
                found.append(str([(d.code, d.message if d.code != "E104" else "", d.span and d.span.line)
                                  for d in caught.diagnostics]))
        outcomes.append(found)
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert [(p.name, a, b) for p, a, b in zip(cases, *outcomes, strict=True) if a != b] == []


def test_files_and_key_spans(tmp_path: Path) -> None:
    (tmp_path / "SConstruct").write_text("")
    write(tmp_path / "lib" / "low.intent")
    write(tmp_path / "lib" / "mid.intent", "u32(low(x) + 1)", "low.intent")
    top = write(tmp_path / "app" / "top.intent", "u32(mid(x) ^ low(x))", "../lib/mid.intent, ../lib/low.intent")
    contract = load_intent(top)
    assert [Path(f).name for f in contract.files] == ["top.intent", "mid.intent", "low.intent"]
    assert all(Path(f).is_absolute() for f in contract.files)
    assert contract.uses["mid"].uses["low"] is contract.uses["low"]
    assert contract.key_spans["returns"].line == 4
    assert project_root(top) == tmp_path


def test_uses_stay_in_the_project(tmp_path: Path) -> None:
    write(tmp_path / "outside.intent")
    (tmp_path / "project" / "intents").mkdir(parents=True)
    (tmp_path / "project" / "SConstruct").write_text("")
    user = write(tmp_path / "project" / "intents" / "user.intent", "x", "../../outside.intent")
    found = problem(user)
    assert found.code == "E602"
    assert "lies outside the project" in found.message
    assert load_intent(user, tmp_path).uses["outside"].name == "outside"

    (tmp_path / "project" / "link.intent").symlink_to(tmp_path / "outside.intent")
    found = problem(write(tmp_path / "project" / "user.intent", "x", "link.intent"))
    assert found.code == "E602"
    assert "symbolic link out of the project" in found.message

    (tmp_path / "project" / "loop.intent").symlink_to(tmp_path / "project" / "loop.intent")
    assert problem(write(tmp_path / "project" / "user.intent", "x", "loop.intent")).code == "E603"


def test_without_a_project_the_folder_is_the_root(tmp_path: Path) -> None:
    write(tmp_path / "low.intent")
    user = write(tmp_path / "folder" / "user.intent", "x", "../low.intent")
    assert problem(user).code == "E602"
    assert load_intent(write(tmp_path / "user.intent", "low(x)", "low.intent")).uses.keys() == {"low"}


def test_a_cycle_is_named_in_full(tmp_path: Path) -> None:
    write(tmp_path / "a.intent", "x", "b.intent")
    write(tmp_path / "b.intent", "x", "c.intent")
    write(tmp_path / "c.intent", "x", "a.intent")
    found = problem(tmp_path / "a.intent")
    assert found.code == "E604"
    names = [Path(part).name for part in found.message.split(": ")[1].split(" → ")]
    assert names == ["a.intent", "b.intent", "c.intent", "a.intent"]
    assert found.span is not None
    assert found.span.source.path.endswith("c.intent")


def test_a_long_chain_ends_in_an_error(tmp_path: Path) -> None:
    for k in range(60):
        write(tmp_path / f"f{k}.intent", "x", f"f{k + 1}.intent")
    write(tmp_path / "f60.intent")
    with pytest.raises(IntentError) as caught:
        load_intent(tmp_path / "f0.intent")
    assert {d.code for d in caught.value.diagnostics} == {"E601", "E607"}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert problem(tmp_path / "missing.intent").code == "E100"
    assert problem(tmp_path).code == "E100"
    assert problem(Path("x\0y")).code == "E100"
    (tmp_path / "large.intent").write_bytes(b"#" * 300_000)
    assert problem(tmp_path / "large.intent").code == "E101"


def test_a_text_has_no_files() -> None:
    assert text_problem("intent: x\nsignature: int f(int a)\nuses: [g.intent]\nreturns: a\n").code == "E601"


def test_key_text() -> None:
    contract: Contract = load_text("""# head
intent: Prose
  in two lines.
signature: int f(int a)

where:
  g: a   # note

  h: g
# before returns
returns: |
  a +
    h

examples:
- f(1) == 2
""")
    assert key_text(contract, "intent") == "intent: Prose\n  in two lines."
    assert key_text(contract, "where") == "where:\n  g: a   # note\n\n  h: g"
    assert key_text(contract, "returns") == "returns: |\n  a +\n    h"
    assert key_text(contract, "examples") == "examples:\n- f(1) == 2"
    assert key_text(contract, "requires") is None


def test_every_code_is_listed_and_used() -> None:
    def used(folder: Path) -> set[str]:
        return {code for path in folder.rglob("*.py") if path.name != "codes.py"
                for code in re.findall(r"""["']([EN]\d{3})["']""", path.read_text())}

    assert set(CODES) == used(LANGUAGE.parent)


def test_loading_the_language_loads_nothing_heavy() -> None:
    code = ("import sys, intent_tool.language.load, intent_tool.language.samples;"
            "heavy = {'pycparser', 'yaml', 'keystone', 'capstone', 'unicorn', 'lief', 'z3'};"
            "print(sorted(heavy & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

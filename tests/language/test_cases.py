"""Every file in `cases/good` loads and keeps its own examples; every file in `cases/bad` fails just as it says.

A bad case starts with comments that hold the expected diagnostics, one a line and its help below it:

    # error[E325] at 6:10: `c` is not known
    # help: …
"""

from __future__ import annotations

from pathlib import Path

import pytest

from intent_tool.language.codes import CODES
from intent_tool.language.diagnostics import Diagnostic, IntentError
from intent_tool.language.load import load_intent
from intent_tool.language.oracle_examples import check_examples

CASES = Path(__file__).parent / "cases"
GOOD = sorted((CASES / "good").glob("*.intent"))
BAD = sorted((CASES / "bad").glob("*.intent"))


def described(diagnostic: Diagnostic, path: Path) -> list[str]:
    place = diagnostic.span
    where = "nowhere"
    if place is not None:
        file = "" if place.source.path == str(path) else f"{Path(place.source.path).name}:"
        where = f"{file}{place.line}:{place.column}"
    lines = [f"# error[{diagnostic.code}] at {where}: {diagnostic.message}"]
    return [line.replace(str(CASES), "CASES").replace("\n", " ") for line in
            lines + ([f"# help: {diagnostic.help}"] if diagnostic.help else [])]


def outcome(path: Path) -> tuple[list[str], tuple[Diagnostic, ...]]:
    try:
        check_examples(load_intent(path, CASES))
    except IntentError as problem:
        return [line for d in problem.diagnostics for line in described(d, path)], problem.diagnostics
    return [], ()


def expected_part(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The leading comments that hold what is expected, and the rest of the lines."""
    lines = data.split(b"\n")
    count = next((i for i, line in enumerate(lines) if not line.startswith((b"# error[", b"# help: "))), len(lines))
    return lines[:count], lines[count:]


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_bad(path: Path, request: pytest.FixtureRequest) -> None:
    expected, body = expected_part(path.read_bytes())
    if request.config.getoption("--update-cases", default=False):
        # Writing the expectation moves the lines it speaks of: repeat until it is true of the file it stands in.
        for _ in range(3):
            found, _diagnostics = outcome(path)
            path.write_bytes(b"\n".join([*(line.encode() for line in found), *body]))
        expected, _ = expected_part(path.read_bytes())
    found, diagnostics = outcome(path)
    assert found, "the file loads, though it should not"
    assert found == [line.decode() for line in expected]
    for diagnostic in diagnostics:
        assert diagnostic.code in CODES
        assert diagnostic.render()
        assert diagnostic.to_json()["code"] == diagnostic.code


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_good(path: Path) -> None:
    contract = load_intent(path, CASES)
    assert contract.function_examples or contract.program_examples
    check_examples(contract)


def test_there_are_enough_cases() -> None:
    assert len(BAD) >= 90
    assert len(GOOD) >= 25

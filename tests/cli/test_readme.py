"""What the README quotes is what the commands say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest
from command_line import ROOT, Folder

README = (ROOT / "README.md").read_text()


def fenced(language: str) -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for name, text in blocks if name == language]


def without_seconds(text: str) -> str:
    return re.sub(r"\d+\.\d+ s\b", "… s", text)


def test_the_quoted_sessions(folder: Folder) -> None:
    intent = next(text for text in fenced("yaml") if text.startswith("intent: Average"))
    sessions = [text for text in fenced("") if text.startswith("$ intent-tool")]
    wrong = intent.replace("(a + b) // 2", "a + b").split("examples:")[0]
    assert len(sessions) == 4
    compile_quoted(folder)
    for session, text in zip(sessions, (intent, wrong, intent, intent), strict=True):
        folder.write("average_floor.intent", text)
        command, expected = session.removeprefix("$ intent-tool ").split("\n", 1)
        ran = folder.run(*command.split())
        assert without_seconds(ran.out + ran.err) == without_seconds(expected)


def compile_quoted(folder: Folder) -> None:
    """The C function of the text, as it stands and without its `if`, by the command of the text."""
    source = next(text for text in fenced("c") if "average_floor" in text)
    (command,) = re.findall(r"`python -m (ziglang cc [^`]* -c) trap\.c`", README)
    plain = "".join(line for line in source.splitlines(keepends=True) if "if (" not in line)
    for name, text in (("trap.c", source), ("plain.c", plain)):
        folder.write(name, text)
        subprocess.run([sys.executable, "-m", *command.split(), name], cwd=folder.path, check=True)


def test_ci_ends_with_the_test_command() -> None:
    commands = re.findall(r"^    (sh \.ci/setup .*)$", README, re.MULTILINE)
    assert len(commands) == 2 and commands[0].endswith(".venv/bin/scons")
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == commands[1]


def test_the_snippet_is_the_example() -> None:
    snippet = next(text for text in fenced("python") if "intent_tool.generate" in text)
    example = (ROOT / "examples/c_program/SConstruct").read_text()
    assert [line for line in example.splitlines() if line and not line.startswith("#")] == snippet.splitlines()


@pytest.mark.parametrize(("language", "path"), [
    ("cmake", "cmake/CMakeLists.txt"), ("meson", "meson/meson.build"), ("make", "makefile/Makefile"),
    ("rust", "cargo/build.rs")])
def test_the_snippets_of_other_build_systems_are_in_the_examples(language: str, path: str) -> None:
    (snippet,) = fenced(language)
    quoted, whole = (re.sub(r"^ +", "", text, flags=re.MULTILINE)
                     for text in (snippet, (ROOT / "examples" / path).read_text()))
    assert quoted in whole


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)]+)\)", README))))
def test_links(path: str) -> None:
    assert (ROOT / path).is_file()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=]", line)[0].lower() for line in project["dependencies"]}
    rows = {row.split("|")[1].strip().lower() for row in README.splitlines() if row.startswith("| ")}
    assert names <= rows
    for extra in project["optional-dependencies"]["test"]:
        assert re.split(r"[<>=]", extra)[0] in README

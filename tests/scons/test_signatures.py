"""What is built again, and why: SCons' signatures of intents."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scons_project import AVERAGE, ROOT, Project

SCONSTRUCT = """\
import intent_tool
env = Environment(tools=[intent_tool.generate], INTENT_TARGET=ARGUMENTS.get("to", "arm64"),
                  INTENT_EVIDENCE=ARGUMENTS.get("evidence", "tested"))
env.Object("average.intent")
env.Object("twice.intent")
"""
TWICE = """\
intent: Twice the average.
signature: uint64_t twice(uint32_t a, uint32_t b)
uses: [average.intent]
returns: 2 * average_floor(a, b)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    for name, text in (("SConstruct", SCONSTRUCT), ("average.intent", AVERAGE), ("twice.intent", TWICE)):
        made.write(name, text)
    return made


def test_the_reason_is_said(project: Project) -> None:
    """`--debug=explain` names the file, or what has changed besides files."""
    project.build()
    assert "rebuilding" not in project.build("--debug=explain")
    project.write("average.intent", AVERAGE + "# more\n")
    out = project.build("--debug=explain")
    assert "rebuilding `average.intent.json' because `average.intent' changed" in out
    assert "rebuilding `twice.intent.json' because `average.intent' changed" in out
    out = project.build("--debug=explain", "evidence=proved")
    assert "old: function by intent_tool" in out and "with evidence tested" in out and "with evidence proved" in out
    out = project.build("--debug=explain", "to=riscv64", "evidence=proved")
    assert " for arm64 " in out and " for riscv64 " in out


def test_a_new_version_of_the_tool_builds_everything_anew(project: Project, tmp_path: Path) -> None:
    """And one that differs only in what is said about a build builds nothing."""
    tool = tmp_path / "tool"
    shutil.copytree(ROOT / "intent_tool", tool / "intent_tool", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "targets", tool / "targets")
    assert "2 built" in project.build(PYTHONPATH=str(tool))
    assert "2 up to date" in project.build(PYTHONPATH=str(tool))
    moved = tool.rename(tmp_path / "moved")
    assert "2 up to date" in project.build(PYTHONPATH=str(moved))
    with (moved / "intent_tool/commands/show.py").open("a") as file:
        file.write("# Other words.\n")
    assert "2 up to date" in project.build(PYTHONPATH=str(moved))
    with (moved / "intent_tool/judge/prove.py").open("a") as file:
        file.write("# Another judge.\n")
    assert "2 built" in project.build(PYTHONPATH=str(moved))


def test_what_python_makes_of_a_function_is_no_part_of_a_signature() -> None:
    """SCons would take the bytecode, which changes from one version of Python to the next."""
    from intent_tool.scons.tool import PythonAction

    def signature(target: object, source: object, env: object) -> bytes:
        return b"the same"

    one, other = PythonAction(lambda target, source, env: 0, signature), PythonAction(lambda a, b, c: 1, signature)
    assert one.get_contents([], [], {}) == other.get_contents([], [], {})


def test_an_edit_that_changes_no_byte_of_the_code_relinks_nothing(project: Project) -> None:
    project.write("SConstruct", SCONSTRUCT.replace("tools=[", 'tools=["default", ').replace("arm64", "x86_64")
                  + 'env.Program("app", ["main.c", "average.o"])\n')
    project.write("main.c", "#include \"average.h\"\nint main(void) { return average_floor(1, 3) != 2; }\n")
    assert "gcc -o app" in project.build()
    project.write("average.intent", AVERAGE.replace("Average", "The average"))
    out = project.build()
    assert "average" in out and "gcc -o app" not in out

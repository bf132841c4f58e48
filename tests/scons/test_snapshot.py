"""The snapshot hides from SCons what has not changed, and nothing else."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from scons_project import SCONSTRUCT, SNAPSHOT, Project

BASE = """\
intent: A byte times {factor}, modulo 256.
signature: uint8_t {name}(uint8_t x)
returns: u8({factor} * x)
"""
USER = """\
intent: Twice something, and one.
signature: uint8_t {name}(uint8_t x)
uses: [{used}.intent]
returns: u8(2 * {used}(x) + {factor})
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.write("SConstruct", SCONSTRUCT)
    made.write("intents/base.intent", BASE.format(name="base", factor=3))
    made.write("intents/user.intent", USER.format(name="user", used="base", factor=1))
    made.write("intents/other.intent", BASE.format(name="other", factor=7))
    return made


def settle() -> None:
    """Wait until a change of a file would be seen in its stamp."""
    time.sleep(0.1)


def built(project: Project, *arguments: str) -> set[str]:
    """The intents that a build made anew."""
    out = project.build("target=arm64", *arguments)
    return {line.split()[3 if line.startswith("[ ") else 2] for line in out.splitlines() if line.startswith("[")}


def is_hidden(project: Project) -> bool:
    return "Nothing to be done for `intents'" in project.build("target=arm64")


def test_what_has_not_changed_is_hidden(project: Project) -> None:
    settle()
    assert built(project) == {"base", "user", "other"}
    assert is_hidden(project)
    report = project.records()
    assert len(report) == 3 and all(record["cached"] for record in report.values())
    assert "3 up to date" in project.build("target=arm64")
    assert "evidence: 3 proved" in project.build("target=arm64")


def test_everything_that_may_have_changed_is_seen(project: Project) -> None:
    settle()
    built(project)
    os.utime(project.folder / "intents/base.intent")
    assert not is_hidden(project) and built(project) == set()
    project.write("intents/other.intent", BASE.format(name="other", factor=9))
    assert built(project) == {"other"}
    # The same size, at once.
    project.write("intents/other.intent", BASE.format(name="other", factor=5))
    assert built(project) == {"other"}
    project.write("intents/base.intent", BASE.format(name="base", factor=5))
    assert built(project) == {"base", "user"}
    settle()
    assert built(project) == set() and is_hidden(project)
    for name in ("other.o", "other.h", "other.intent.json"):
        (project.folder / "build/arm64" / name).unlink()
        project.build("target=arm64")
        assert (project.folder / "build/arm64" / name).exists()
    assert built(project, "evidence=proved") == {"base", "user", "other"}
    assert built(project) == {"base", "user", "other"}
    (project.folder / ".sconsign.dblite").unlink()
    assert not is_hidden(project)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "report": null, "keys": {}, '
                                  '"targets": {"arm64": {"intents/base.intent": [1]}}}'])
def test_a_snapshot_that_is_none_hides_nothing(project: Project, text: str) -> None:
    built(project)
    (project.folder / "build" / SNAPSHOT).write_text(text)
    assert not is_hidden(project) and built(project) == set()


def test_targets_do_not_hide_each_other(project: Project) -> None:
    settle()
    project.build("target=arm64")
    assert "3 built" in project.build("target=riscv64,arm64")
    assert "6 up to date" in project.build("target=riscv64,arm64")
    assert is_hidden(project)
    assert len(project.records()) == 6
    project.build("-c", "target=arm64")
    assert "3 built, 3 up to date" in project.build("target=riscv64,arm64")


@pytest.mark.parametrize("seed", range(3 if os.environ.get("INTENT_CAMPAIGN") else 1))
def test_any_changes_lead_to_what_a_build_from_nothing_makes(project: Project, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    names = ["base", "user", "other", "more"]
    for _ in range(6):
        for _ in range(rng.randrange(3)):
            name = rng.choice(names)
            path = project.folder / f"intents/{name}.intent"
            match rng.randrange(4):
                case 0 if name in ("other", "more"):
                    path.unlink(missing_ok=True)
                case 1 if path.exists():
                    os.utime(path, ns=(0, rng.randrange(1 << 60)))
                case 2:
                    for file in (project.folder / "build/arm64").glob(f"{name}.*"):
                        file.unlink()
                case _:
                    text = USER if name == "user" else BASE
                    project.write(f"intents/{name}.intent", text.format(name=name, used="base",
                                                                        factor=rng.randrange(1, 9)))
        project.build("target=arm64")
        fresh = Project(tmp_path / f"fresh{rng.getrandbits(40)}")
        fresh.write("SConstruct", SCONSTRUCT)
        for path in (project.folder / "intents").glob("*"):
            fresh.write(f"intents/{path.name}", path.read_text())
        fresh.build("target=arm64")
        for name in fresh.files("build/arm64"):
            if not name.endswith(".json"):
                found = project.folder / "build/arm64" / name
                assert found.read_bytes() == (fresh.folder / "build/arm64" / name).read_bytes(), name


def test_half_a_build_is_not_recorded(project: Project) -> None:
    """An object that was not taken out of its new record yet is not up to date."""
    settle()
    built(project)
    project.write("intents/other.intent", BASE.format(name="other", factor=9))
    settle()
    project.build("target=arm64", "build/arm64/other.intent.json")
    settle()
    project.build("target=arm64")
    fresh = Project(project.folder.parent / "fresh")
    fresh.write("SConstruct", SCONSTRUCT)
    fresh.write("intents/other.intent", BASE.format(name="other", factor=9))
    fresh.build("target=arm64")
    for name in ("other.o", "other.h"):
        assert (project.folder / "build/arm64" / name).read_bytes() == (
            fresh.folder / "build/arm64" / name).read_bytes()

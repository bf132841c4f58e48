"""`cache=DIR`: what one checkout built, another takes over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scons_project import AVERAGE, HELLO, ROOT, SCONSTRUCT, TRIPLE, Project

IDLE = """\
from intent_tool.scons.session import Session
def run(self, item, job, request):
    raise SystemExit(f"a worker was asked to {job} {item.intent}")
Session.run = run
"""
"""In an SConstruct: nothing may be built or tested."""


def checkout(folder: Path, sconstruct: str = SCONSTRUCT) -> Project:
    made = Project(folder)
    made.write("SConstruct", sconstruct)
    made.write("intents/average.intent", AVERAGE)
    made.write("intents/math/triple.intent", TRIPLE)
    made.write("intents/hello.intent", HELLO)
    return made


def contents(project: Project, target: str) -> dict[str, bytes]:
    return {name: (project.folder / "build" / target / name).read_bytes()
            for name in project.files(f"build/{target}")}


def test_a_second_checkout_takes_everything_from_the_cache(tmp_path: Path) -> None:
    """The tool is part of each checkout, as it is in this repository."""
    cache = tmp_path / "cache"
    sconstruct = (ROOT / "SConstruct").read_text()
    first = checkout(tmp_path / "one", sconstruct)
    second = checkout(tmp_path / "farther" / "away" / "two", sconstruct + IDLE)
    for project in (first, second):
        for name in ("intent_tool", "targets"):
            shutil.copytree(ROOT / name, project.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # The repository's SConstruct calls `gallery` last, and nothing runs before all of it is read.
    assert "3 built" in first.build(f"cache={cache}", "target=arm64", PYTHONPATH=str(first.folder))
    out = second.build(f"cache={cache}", "target=arm64", PYTHONPATH=str(second.folder))
    assert "3 binaries for arm64: 0 built, 3 up to date, 0 failed" in out
    assert "Retrieved" not in out
    assert len(list(cache.glob("??/*"))) == 3
    assert contents(first, "arm64") == contents(second, "arm64")
    assert second.records() == {key: record | {"cached": True} for key, record in first.records().items()}


def test_each_target_has_results_of_its_own(tmp_path: Path) -> None:
    project = checkout(tmp_path / "one")
    project.build("cache=kept", "target=arm64")
    assert "3 built" in project.build("cache=kept", "target=riscv64")
    shutil.rmtree(project.folder / "build")
    (project.folder / ".sconsign.dblite").unlink()
    assert "0 built, 6 up to date" in project.build("cache=kept", "target=arm64,riscv64")


def test_a_changed_intent_is_built(tmp_path: Path) -> None:
    cache = f"cache={tmp_path / 'cache'}"
    checkout(tmp_path / "one").build(cache, "target=arm64")
    second = checkout(tmp_path / "two")
    second.write("intents/math/triple.intent", TRIPLE.replace("3 * x", "5 * x").replace("== 15", "== 25"))
    assert "1 built, 2 up to date" in second.build(cache, "target=arm64")


def test_a_damaged_entry_is_replaced(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    checkout(tmp_path / "one").build(f"cache={cache}", "target=arm64")
    entry = min(cache.glob("??/*"))
    whole = entry.read_text()
    entry.write_text(whole[:100])
    assert "1 built, 2 up to date" in checkout(tmp_path / "two").build(f"cache={cache}", "target=arm64")
    assert len(entry.read_text()) > 100
    assert "0 built, 3 up to date" in checkout(tmp_path / "three").build(f"cache={cache}", "target=arm64")


def test_a_dry_run_names_what_the_cache_lacks(tmp_path: Path) -> None:
    cache = f"cache={tmp_path / 'cache'}"
    checkout(tmp_path / "one").build(cache, "target=arm64")
    second = checkout(tmp_path / "two")
    second.write("intents/math/triple.intent", TRIPLE.replace("Three", "Just three"))
    out = second.build(cache, "target=arm64", "-n")
    assert [line for line in out.splitlines() if line.startswith("would")] == [
        "would build build/arm64/math/triple.o from intents/math/triple.intent for arm64"]
    assert not (second.folder / "build").exists()


def test_tests_run_although_the_cache_has_their_binaries(tmp_path: Path) -> None:
    cache = f"cache={tmp_path / 'cache'}"
    checkout(tmp_path / "one").build(cache, "target=arm64", "test")
    second = checkout(tmp_path / "two")
    out = second.build(cache, "target=arm64", "test")
    assert "0 built" in out and "3 of 3 passed their test" in out
    assert (second.folder / "build/arm64/junit.xml").is_file()


def test_a_relative_path_is_relative_to_the_project(tmp_path: Path) -> None:
    project = checkout(tmp_path / "one")
    project.build("cache=a/b $c", "target=arm64")
    assert (project.folder / "a/b $c/config").is_file()
    project.build("-c", "cache=a/b $c", "target=arm64")
    assert (project.folder / "a/b $c/config").is_file()


@pytest.mark.parametrize("option", ["-n", "-h", "-c"])
def test_nothing_is_made_where_nothing_is_built(tmp_path: Path, option: str) -> None:
    project = checkout(tmp_path / "one")
    project.build(option, "cache=none", "target=arm64")
    assert not (project.folder / "none").exists()


@pytest.mark.parametrize(("name", "why"), [
    ("", "no folder is named"),
    ("SConstruct", "File exists"),
    ("SConstruct/cache", "Not a directory"),
    ("/proc/cache", "No such file or directory"),
    ("odd", "Failed to read cache configuration for "),
])
def test_an_unusable_folder(tmp_path: Path, name: str, why: str) -> None:
    project = checkout(tmp_path / "one")
    project.write("odd/config", "[core]\n")
    ran = project.scons(f"cache={name}", "target=arm64")
    assert ran.status == 2
    assert ran.err.startswith(f"error[E913]: `cache={name}` cannot be the cache: {why}")
    assert "\nhelp: it is a folder, relative to the project or absolute" in ran.err
    assert not (project.folder / "build").exists()

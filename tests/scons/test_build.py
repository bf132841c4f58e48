"""`scons target=…` in a project of intents, end to end."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from scons_project import AVERAGE, BROKEN, TRIPLE, Project

BUILT = {"average.o", "average.intent.json", "average.h", "math/triple.o", "math/triple.intent.json",
         "math/triple.h", "hello", "hello.intent.json"}
MACHINES = {"x86_64": 62, "arm64": 183, "riscv64": 243}


def junit(project: Project, target: str) -> dict[str | None, ElementTree.Element]:
    suite = ElementTree.parse(project.folder / f"build/{target}/junit.xml").getroot()
    assert int(suite.get("tests", "")) == len(suite)
    return {case.get("name"): case for case in suite}


def test_every_intent_is_built_for_every_target(project: Project) -> None:
    out = project.build("target=x86_64,arm64,riscv64")
    for target, machine in MACHINES.items():
        assert project.files(f"build/{target}") == BUILT
        folder = project.folder / "build" / target
        for name, kind in (("average.o", 1), ("math/triple.o", 1), ("hello", 2)):
            data = (folder / name).read_bytes()
            assert data[:4] == b"\x7fELF"
            assert int.from_bytes(data[16:18], "little") == kind
            assert int.from_bytes(data[18:20], "little") == machine
        assert "uint32_t triple(uint32_t x);" in (folder / "math/triple.h").read_text()
        runner = {"x86_64": "qemu-x86_64", "arm64": "qemu-aarch64", "riscv64": "qemu-riscv64"}[target]
        done = subprocess.run([runner, folder / "hello"], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (3, b"Hello, world!\n")
    lines = [line for line in out.splitlines() if line.startswith("[")]
    assert len(lines) == 9
    assert all(re.fullmatch(r"\[\d/9\] (x86_64 |arm64  |riscv64)  (average|triple |hello  ) +\d+ insn +\d+ B  "
                            r"(proved|tested) \([\d,]+ vectors?\)  \d+\.\d\d s", line) for line in lines), out
    assert re.search(r"^3 intents, 9 binaries for x86_64, arm64, riscv64: 9 built, 0 up to date, 0 failed; [\d.]+ s$",
                     out, re.MULTILINE)


def test_the_report(project: Project) -> None:
    project.build("target=arm64")
    records = project.records()
    assert set(records) == {("average", "arm64"), ("triple", "arm64"), ("hello", "arm64")}
    record = records["average", "arm64"]
    assert record["intent"] == "intents/average.intent"
    assert (record["symbol"], record["kind"], record["evidence"]) == ("average_floor", "function", "proved")
    assert record["vectors"] >= 10_000
    assert "qemu-aarch64" in record["emulators"]
    assert record["bytes"] == 4 * record["instructions"] > 0
    assert record["stack"] == 0
    assert record["cached"] is False and record["seconds"] > 0
    assert records["hello", "arm64"]["kind"] == "program"


def test_a_null_build_builds_nothing_and_loads_nothing(project: Project) -> None:
    project.build("target=arm64")
    first = project.records()
    project.write("SConstruct", (project.folder / "SConstruct").read_text() + (
        "import atexit, sys\n"
        "heavy = ('keystone', 'capstone', 'unicorn', 'lief', 'pycparser', 'intent_tool.pipeline')\n"
        "atexit.register(lambda: print('loaded:', [name for name in heavy if name in sys.modules]))\n"))
    out = project.build("target=arm64")
    assert "3 intents, 3 binaries for arm64: 0 built, 3 up to date, 0 failed" in out
    assert "loaded: []" in out
    assert not [line for line in out.splitlines() if line.startswith("[")]
    assert project.records() == {key: record | {"cached": True} for key, record in first.items()}


def test_one_changed_intent_is_built_alone(project: Project) -> None:
    project.build("target=arm64,riscv64")
    project.write("intents/math/triple.intent", TRIPLE.replace("3 * x", "x + x + x"))
    out = project.build("target=arm64,riscv64")
    assert re.findall(r"^\[./2\] \w+ +(\w+)", out, re.MULTILINE) == ["triple", "triple"]
    assert {key for key, record in project.records().items() if not record["cached"]} == {
        ("triple", "arm64"), ("triple", "riscv64")}


def test_the_state_of_a_build_moves_with_its_folder(project: Project, tmp_path: Path) -> None:
    project.build("target=arm64")
    moved = Project(tmp_path / "some where" / "else")
    shutil.copytree(project.folder, moved.folder)
    shutil.rmtree(project.folder)
    assert "0 built, 3 up to date" in moved.build("target=arm64")


def test_objects_are_the_same_in_every_folder(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other folder")
    shutil.copytree(project.folder, other.folder)
    for each in (project, other):
        each.build("target=x86_64", "-j1")
    for name in BUILT - {name for name in BUILT if name.endswith(".json")}:
        assert (project.folder / "build/x86_64" / name).read_bytes() == (
            other.folder / "build/x86_64" / name).read_bytes()


def test_a_failed_intent_leaves_nothing_behind_and_the_others_are_built(project: Project) -> None:
    project.write("intents/broken.intent", BROKEN.replace("a + b", "a"))
    project.build("target=arm64")
    project.write("intents/broken.intent", BROKEN)
    project.write("intents/average.intent", AVERAGE + "# changed\n")
    ran = project.scons("-k", "target=arm64")
    assert ran.status == 2
    assert project.files("build/arm64") == BUILT
    assert re.search(r"^intents/broken\.intent:3:\d+: error\[E\d+\]: .+\n    3 \| returns: a \+ b\n +\| +\^", ran.err,
                     re.MULTILINE), ran.err
    assert "scons: *** [build/arm64/broken.intent.json] no binary of broken for arm64" in ran.err
    assert "4 intents, 4 binaries for arm64: 1 built, 2 up to date, 1 failed" in ran.out
    record = project.records()["broken", "arm64"]
    assert record["evidence"] == "none" and record["bytes"] is None
    assert "intents/broken.intent:3" in record["problems"][0]
    assert project.records()["average", "arm64"]["cached"] is False


def test_without_k_the_build_stops_and_says_how_far_it_came(project: Project) -> None:
    project.write("intents/a.intent", BROKEN)
    ran = project.scons("-j1", "target=arm64")
    assert ran.status == 2
    assert "4 intents, 4 binaries for arm64: 0 built, 0 up to date, 1 failed, 3 not reached" in ran.out
    assert set(project.records()) == {("a", "arm64")}


def test_a_mistake_in_the_contract_is_said_once_for_all_targets(project: Project) -> None:
    project.write("intents/broken.intent", BROKEN)
    ran = project.scons("-k", "target=all")
    assert ran.err.count("returns: a + b") == 1
    assert ran.err.count("no binary of broken for") == 5


def test_clean_removes_everything(project: Project) -> None:
    before = project.files(".")
    project.build("target=arm64", "test")
    project.build("target=riscv64")
    out = project.build("-c", "target=arm64")
    assert "removed build/arm64" in out
    assert not (project.folder / "build/arm64").exists()
    assert {target for _, target in project.records()} == {"riscv64"}
    project.build("-c", "target=all")
    assert project.files(".") == before | {".sconsign.dblite"}
    assert not (project.folder / "build").exists()


def test_clean_of_one_file_leaves_the_others(project: Project) -> None:
    project.build("target=arm64")
    project.build("-c", "target=arm64", "build/arm64/average.o")
    assert project.files("build/arm64") == BUILT - {"average.o", "average.intent.json", "average.h"}
    assert "1 built, 2 up to date" in project.build("target=arm64")
    assert project.files("build/arm64") == BUILT


def test_a_dry_run_says_what_it_would_do_and_does_nothing(project: Project) -> None:
    before = project.files(".")
    out = project.build("-n", "target=arm64")
    assert "would build build/arm64/average.o from intents/average.intent for arm64" in out
    assert "would build build/arm64/hello from intents/hello.intent for arm64" in out
    assert project.files(".") - {".sconsign.dblite"} == before


@pytest.mark.parametrize(("arguments", "message"), [
    (["target=arn64"], r"error\[E701\]: no target is named `arn64`; known: arm64, riscv64, .*x86_64"),
    (["target="], r"error\[E7\d\d\]: .*known: arm64"),
    (["tarhet=arm64"], r"error\[E910\]: `tarhet=arm64`: there is no variable `tarhet`\nhelp: .*target"),
    (["evidence=strong"], r"error\[E911\]: `evidence=strong`: .*\nhelp: it is one of tested, bounded, proved"),
])
def test_mistyped_variables(project: Project, arguments: list[str], message: str) -> None:
    before = project.files(".")
    ran = project.scons(*arguments)
    assert ran.status == 2
    assert re.search(message, ran.err), ran.err
    assert project.files(".") == before


def test_help_names_the_targets(project: Project) -> None:
    out = project.build("-h")
    assert "target=NAME" in out
    for name in ("arm64", "riscv64", "riscv64_zb", "x86_64", "x86_64_v3"):
        assert re.search(rf"^    {name} ", out, re.MULTILINE)


def test_more_evidence_than_there_is_fails(project: Project) -> None:
    ran = project.scons("target=arm64", "evidence=proved", "build/arm64/hello")
    assert ran.status == 2
    assert "is tested, must be proved" in ran.err
    assert project.files("build") == {"report.json"}


def test_evidence_that_is_proved_is_enough(project: Project) -> None:
    out = project.build("target=arm64", "evidence=proved", "build/arm64/average.o")
    assert re.search(r"^\[\d/\d\] arm64  average .* proved \(", out, re.MULTILINE)
    record = project.records()["average", "arm64"]
    assert record["evidence"] == "proved" and record["longest"] is None


def test_tests_run_on_the_built_files(project: Project) -> None:
    out = project.build("target=arm64", "test")
    assert re.search(r"^\[\d/3\] arm64  average  ok       2 examples  [\d,]+ vectors  [\d.]+ s$", out, re.MULTILINE)
    assert "3 of 3 passed their test" in out
    cases = junit(project, "arm64")
    assert set(cases) == {"average", "triple", "hello"}
    assert cases["triple"].get("classname") == "arm64.intents.math"
    assert all(case.find("failure") is None and case.find("error") is None for case in cases.values())


def test_a_built_file_that_was_changed_fails_its_test(project: Project) -> None:
    project.build("target=arm64")
    project.write("intents/math/triple.intent", TRIPLE.replace("3 * x", "3 * x + (x == 5)").replace("15", "16"))
    project.build("target=arm64")
    other = (project.folder / "build/arm64/math/triple.o").read_bytes()
    project.write("intents/math/triple.intent", TRIPLE)
    project.build("target=arm64")
    (project.folder / "build/arm64/math/triple.o").write_bytes(other)
    ran = project.scons("target=arm64", "test")
    assert ran.status == 2
    assert "triple(5) is 16, must be 15" in ran.err
    assert "1 of 3 tests failed: triple" in ran.err
    cases = junit(project, "arm64")
    failure = cases["triple"].find("failure")
    assert failure is not None and "triple(5) is 16, must be 15" in (failure.text or "")
    assert cases["average"].find("failure") is None


def test_the_test_of_an_intent_that_was_not_built_is_an_error(project: Project) -> None:
    project.write("intents/broken.intent", BROKEN)
    ran = project.scons("-k", "target=arm64", "test")
    assert ran.status == 2
    cases = junit(project, "arm64")
    assert set(cases) == {"average", "triple", "hello", "broken"}
    error = cases["broken"].find("error")
    assert error is not None and "intents/broken.intent:3" in (error.text or "")
    assert cases["average"].find("error") is None
    assert "3 of 3 passed their test" in ran.out


def test_without_qemu_unicorn_runs_the_code_and_the_output_says_so(project: Project) -> None:
    empty = project.folder / "empty"
    empty.mkdir()
    out = project.build("target=arm64", "build/arm64/average.o", PATH=str(empty))
    assert re.search(r"proved \([\d,]+ vectors, unicorn\)", out)
    assert "note: qemu-user did not run every binary of arm64; unicorn stood in." in out
    assert project.records()["average", "arm64"]["emulators"] == ["unicorn"]


def test_an_intent_that_names_its_targets_is_built_for_those(project: Project) -> None:
    project.write("intents/average.intent", AVERAGE + "targets: [riscv64]\n")
    project.build("target=arm64,riscv64")
    assert ("average", "riscv64") in project.records()
    assert ("average", "arm64") not in project.records()
    assert "average.o" not in project.files("build/arm64")


def test_a_used_intent_is_a_dependency(project: Project) -> None:
    project.write("intents/six.intent", (
        "intent: Six times a number, modulo 2**32.\nsignature: uint32_t six(uint32_t x)\n"
        "uses: [math/triple.intent]\nreturns: u32(2 * triple(x))\n"))
    project.build("target=arm64")
    project.write("intents/math/triple.intent", TRIPLE + "# changed\n")
    out = project.build("target=arm64")
    assert sorted(re.findall(r"^\[./2\] \w+ +(\w+)", out, re.MULTILINE)) == ["six", "triple"]


def test_a_used_file_that_is_missing_is_said_at_its_place(project: Project) -> None:
    project.write("intents/six.intent", (
        "intent: Six times.\nsignature: uint32_t six(uint32_t x)\nuses: [nowhere.intent]\nreturns: u32(6 * x)\n"))
    ran = project.scons("-k", "target=arm64")
    assert ran.status == 2
    assert re.search(r"intents/six\.intent:3:\d+: error\[E\d+\]: .*nowhere\.intent", ran.err), ran.err


def test_a_targets_record_is_a_dependency_of_its_own_binaries_only(project: Project) -> None:
    record = "name: mine\nextends: riscv64\nsummary: {}\n"
    project.write("targets/mine.yaml", record.format("one"))
    project.build("target=mine,arm64")
    project.write("targets/mine.yaml", record.format("two"))
    out = project.build("target=mine,arm64")
    assert "3 built, 3 up to date" in out
    assert not re.search(r"^\[./6\] arm64", out, re.MULTILINE)


def test_a_malformed_target_record_is_an_error_with_its_place(project: Project) -> None:
    project.write("targets/mine.yaml", "name: mine\nextends: nowhere\n")
    ran = project.scons("target=arm64")
    assert ran.status == 2
    assert re.search(r"targets/mine\.yaml:2:\d+: error\[E\d+\]", ran.err), ran.err


def test_the_report_keeps_what_other_targets_have_and_forgets_intents_that_are_gone(project: Project) -> None:
    project.build("target=arm64")
    (project.folder / "intents/average.intent").unlink()
    project.build("target=riscv64")
    assert set(project.records()) == {("triple", "arm64"), ("hello", "arm64"), ("triple", "riscv64"),
                                      ("hello", "riscv64")}


def test_a_build_folder_that_cannot_be_is_an_error_without_a_traceback(project: Project) -> None:
    project.write("build", "a file")
    ran = project.scons("target=arm64")
    assert ran.status == 2
    assert "build" in ran.err


def test_names_that_mean_something_to_scons(project: Project) -> None:
    for name in ("a b", "$x", "ü", "a,b", "c#d"):
        project.write(f"intents/some {name}/{name}.intent", AVERAGE)
    (project.folder / "intents/folder.intent").mkdir()
    project.build("target=arm64", "test")
    files = project.files("build/arm64")
    for name in ("a b", "$x", "ü", "a,b", "c#d"):
        assert {f"some {name}/{name}.o", f"some {name}/{name}.h"} <= files
    assert "0 built, 8 up to date" in project.build("target=arm64")


def test_a_damaged_record_is_said_and_mends_itself(project: Project) -> None:
    project.build("target=arm64")
    (project.folder / "build/arm64/average.intent.json").write_text('{"report": ')
    (project.folder / "build/arm64/average.o").unlink()
    ran = project.scons("target=arm64")
    assert ran.status == 2
    assert "average.intent.json was damaged and is removed now; build again" in ran.err
    project.build("target=arm64")
    assert project.files("build/arm64") == BUILT


def test_an_empty_project_says_so(project: Project) -> None:
    shutil.rmtree(project.folder / "intents")
    ran = project.scons("target=arm64")
    assert "there is no .intent file for arm64" in ran.err


def test_two_programs_of_one_name_in_one_folder(project: Project) -> None:
    text = (project.folder / "intents/hello.intent").read_text()
    project.write("intents/again.intent", text)
    ran = project.scons("target=arm64")
    assert ran.status == 2
    assert "intents/again.intent" in ran.err and "intents/hello.intent" in ran.err


def test_many_jobs_give_the_same_files_as_one(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    shutil.copytree(project.folder, other.folder)
    project.build("-j1", "target=all")
    other.build("-j8", "target=all")
    assert project.files() == other.files()
    for name in project.files():
        if not name.endswith(".json"):
            assert (project.folder / "build" / name).read_bytes() == (other.folder / "build" / name).read_bytes()


def test_the_cache_directory_delivers_whole_results(project: Project, tmp_path: Path) -> None:
    project.write("SConstruct", f"CacheDir({str(tmp_path / 'cache')!r})\n"
                  + (project.folder / "SConstruct").read_text())
    project.build("target=arm64")
    first = project.records()
    shutil.rmtree(project.folder / "build")
    project.build("target=arm64")
    assert project.files("build/arm64") == BUILT
    assert project.records() == {key: record | {"cached": True} for key, record in first.items()}


def test_the_report_is_json_that_a_tool_can_read_line_by_line(project: Project) -> None:
    project.build("target=arm64")
    lines = (project.folder / "build/report.json").read_text().splitlines()
    assert all(json.loads(line.rstrip(",")) for line in lines[1:-1])

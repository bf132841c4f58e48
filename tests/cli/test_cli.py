"""`intent-tool`: exit status 0 done, 1 the intent or the binary is at fault, 2 usage, 3 the tool's own fault."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import AVERAGE, ROOT, TRIPLE, Folder

FILES = {"average.intent", "triple.intent", "hello.intent", "broken.intent"}


def test_build_an_object_a_header_and_a_depfile(folder: Folder) -> None:
    assert folder.good("build", "average.intent", "--target", "arm64", "-o", "out/a.o", "--header", "out/a b.h",
                       "-MD", "out/a.d") == ""
    assert (folder.path / "out/a.o").read_bytes()[:4] == b"\x7fELF"
    assert "uint32_t average_floor(uint32_t a, uint32_t b);" in (folder.path / "out/a b.h").read_text()
    assert (folder.path / "out/a.d").read_text() == (
        "out/a.o \\\n  out/a\\ b.h: \\\n  average.intent\n\naverage.intent: \n")


def test_make_reads_the_depfile(folder: Folder) -> None:
    build = f"{sys.executable} -m intent_tool build $< --target arm64 -o $@ --header six.h -MD six.d"
    folder.write("sub/triple.intent", TRIPLE)
    folder.write("six.intent", "intent: Six times.\nsignature: uint32_t six(uint32_t x)\nuses: [sub/triple.intent]\n"
                 "returns: u32(2 * triple(x))\n")
    folder.write("Makefile", f"six.o: six.intent\n\t{build}\n-include six.d\n")

    def make() -> str:
        done = subprocess.run(["make"], cwd=folder.path, capture_output=True, text=True, check=True,
                              env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)})
        return done.stdout

    assert "intent_tool build six.intent" in make()
    assert "up to date" in make()
    later = (folder.path / "six.o").stat().st_mtime + 2
    used = folder.write("sub/triple.intent", TRIPLE + "# changed\n")
    os.utime(used, (later, later))
    assert "intent_tool build six.intent" in make()


def test_build_a_program(folder: Folder) -> None:
    folder.good("build", "hello.intent", "--target", "riscv64", "-o", "hello")
    done = subprocess.run(["qemu-riscv64", folder.path / "hello"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"Hello, world!\n")


def test_several_files_go_into_a_folder(folder: Folder) -> None:
    ran = folder.run("build", "average.intent", "triple.intent", "hello.intent", "--target", "arm64", "-o", "out",
                     "--json")
    assert ran.status == 0
    assert ran.json["outputs"] == ["out/average.o", "out/triple.o", "out/hello"]
    assert [record["symbol"] for record in ran.json["records"]] == ["average_floor", "triple", "hello"]
    assert FILES | {"out/average.o", "out/triple.o", "out/hello"} == folder.names()


def test_asm_and_bytes(folder: Folder) -> None:
    folder.good("build", "triple.intent", "--target", "arm64", "--emit", "asm", "-o", "triple.s")
    assert "ret" in (folder.path / "triple.s").read_text()
    folder.good("build", "triple.intent", "--target", "arm64", "--emit", "bytes", "-o", "triple.bin")
    code = (folder.path / "triple.bin").read_bytes()
    assert code.endswith(bytes.fromhex("c0035fd6")) and len(code) % 4 == 0


MAIN = """\
#include <stdio.h>
#include "sums.h"
int main(void) { printf("%u %u\\n", average_floor(7, 8), triple(5)); return 0; }
"""


@pytest.mark.parametrize(("kind", "library", "extra"), [
    ("archive", "libsums.a", []), ("shared", "libsums.so", ["-Wl,-rpath,$ORIGIN"])])
def test_libraries_of_several_functions(folder: Folder, kind: str, library: str, extra: list[str]) -> None:
    folder.good("build", "average.intent", "triple.intent", "--target", "x86_64", "--emit", kind, "-o", library,
                "--header", "sums.h")
    folder.write("main.c", MAIN)
    subprocess.run(["gcc", "-Werror", "main.c", library, *extra, "-o", "app"], cwd=folder.path, check=True)
    done = subprocess.run([folder.path / "app"], capture_output=True, text=True, check=True)
    assert done.stdout == "7 15\n"


def test_a_failed_build_leaves_no_output_old_or_new(folder: Folder) -> None:
    command = ("build", "average.intent", "triple.intent", "--target", "arm64", "-o", "out", "--header", "out/all.h",
               "-MD", "out/all.d")
    folder.good(*command)
    folder.write("triple.intent", TRIPLE.replace("u32(3 * x)", "3 * x"))
    ran = folder.run(*command)
    assert ran.status == 1
    assert re.search(r"^triple\.intent:3:\d+: error\[E\d+\]", ran.err, re.MULTILINE)
    assert folder.names() == FILES


@pytest.mark.parametrize(("arguments", "status", "message"), [
    ([], 2, "intent-tool --help"),
    (["frobnicate"], 2, "frobnicate"),
    (["build"], 2, "FILE"),
    (["build", "average.intent", "--target", "vax", "-o", "x"], 2, "no target is named `vax`; known: arm64"),
    (["build", "average.intent", "--target", "all", "-o", "x"], 2, "takes one target"),
    (["build", "average.intent", "--target", "arm64"], 2, "-o"),
    (["build", "average.intent", "--target", "arm64", "-o", "x", "--emit", "coff"], 2, "coff"),
    (["build", "average.intent", "--target", "arm64", "-o", "x", "--evidence", "sure"], 2, "sure"),
    (["build", "average.intent", "--target", "arm64", "-o", "x", "--root", "none"], 2, "there is no such folder"),
    (["build", "average.intent", "triple.intent", "--target", "arm64", "-o", "hello.intent"], 2, "is a file"),
    (["build", "nowhere.intent", "--target", "arm64", "-o", "x"], 1, "nowhere.intent"),
    (["build", ".", "--target", "arm64", "-o", "x"], 1, "."),
    (["build", "average.intent", "--target", "arm64", "-o", "x", "--emit", "exe"], 1, "is a function"),
    (["build", "hello.intent", "--target", "arm64", "-o", "x", "--emit", "obj"], 1, "`hello` is a program"),
    (["build", "hello.intent", "--target", "arm64", "-o", "x", "--emit", "archive"], 1, "`hello` is a program"),
    (["build", "hello.intent", "--target", "arm64", "-o", "x", "--header", "h"], 1, "E901"),
    (["build", "average.intent", "average.intent", "--target", "arm64", "-o", "x", "--emit", "archive"], 1,
     "two FILEs define `average_floor`"),
    (["build", "hello.intent", "--target", "arm64", "-o", "x", "--emit", "exe", "--evidence", "proved"], 1,
     "is tested, must be proved"),
    (["build", "average.intent", "--target", "arm64", "-o", "triple.intent/x"], 1, "triple.intent"),
    (["check", "broken.intent"], 1, "broken.intent:3:"),
    (["show", "broken.intent", "--target", "arm64"], 1, "broken.intent:3:"),
    (["verify", "average.intent", "average.intent"], 1, "is no 64-bit little-endian ELF file"),
    (["verify", "nothing.o", "average.intent"], 1, "nothing.o"),
    (["new", "3x"], 2, "starts with a letter"),
    (["new", "average"], 1, "is there already"),
    (["new"], 2, "NAME, or --scons without a NAME"),
    (["new", "fresh", "--scons"], 2, "NAME, or --scons without a NAME"),
    (["new", "--program", "--scons"], 2, "not allowed with"),
])
def test_what_goes_wrong(folder: Folder, arguments: list[str], status: int, message: str) -> None:
    """Said on standard error, and nothing is written; the same as JSON."""
    before = folder.names()
    ran = folder.run(*arguments)
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err
    assert folder.names() == before
    if arguments[:1] not in ([], ["frobnicate"]):
        again = folder.run(*arguments, "--json")
        assert (again.status, again.err) == (status, "")
        assert again.json["ok"] is False


def test_check_goes_through_all_files(folder: Folder) -> None:
    ran = folder.run("check", "broken.intent", "average.intent", "none.intent")
    assert ran.status == 1
    assert "average.intent: average_floor: the contract holds together" in ran.out
    assert "broken.intent:3:" in ran.err and "none.intent" in ran.err
    files = folder.run("check", "broken.intent", "average.intent", "--json").json["files"]
    assert [(file["file"], file["ok"]) for file in files] == [("broken.intent", False), ("average.intent", True)]
    diagnostic = files[0]["diagnostics"][0]
    assert diagnostic["place"] == {"path": "broken.intent", "line": 3, "column": 10, "length": 5}
    assert diagnostic["severity"] == "error" and re.fullmatch(r"E\d{3}", diagnostic["code"])


def test_show(folder: Folder) -> None:
    out = folder.good("show", "triple.intent", "--target", "arm64")
    assert re.search(r"^triple for arm64: \d+ instructions?, \d+ bytes$", out, re.MULTILINE)
    assert re.search(r"^evidence: proved \(by simplification; [\d,]+ vectors, .*qemu-aarch64.*\)$", out, re.MULTILINE)
    assert re.search(r"^ +[0-9a-f]+  c0 03 5f d6  ret$", out, re.MULTILINE)
    data = folder.run("show", "triple.intent", "--target", "arm64", "--json").json
    assert data["instructions"][-1]["text"] == "ret"
    assert data["evidence"] == "proved" and data["solvers"] == [] and data["longest"] is None


def test_verify_judges_what_another_tool_made(folder: Folder) -> None:
    folder.write("average.c", "#include <stdint.h>\nuint32_t average_floor(uint32_t a, uint32_t b)"
                 " { return (a & b) + ((a ^ b) >> 1); }\n"
                 "uint32_t wrong(uint32_t a, uint32_t b) { return (a + b) / 2; }\n")
    subprocess.run(["gcc", "-O2", "-fcf-protection=none", "-c", "average.c"], cwd=folder.path, check=True)
    out = folder.good("verify", "average.o", "average.intent")
    assert out.startswith("average.o: average_floor for x86_64: keeps the contract of average.intent: proved (bitwu")
    ran = folder.run("verify", "average.o", "average.intent", "--symbol", "wrong")
    assert ran.status == 1
    assert "wrong for x86_64: does not keep the contract" in ran.err
    assert re.search(r"\(\d+, \d+\) is \d+, must be \d+", ran.err)
    missing = folder.run("verify", "average.o", "average.intent", "--symbol", "absent")
    assert missing.status == 1 and "absent" in missing.err
    data = folder.run("verify", "average.o", "average.intent", "--symbol", "wrong", "--json").json
    assert data["ok"] is False and data["accepted"] is False and data["problems"]


def test_verify_a_program(folder: Folder) -> None:
    folder.good("build", "hello.intent", "--target", "arm64", "-o", "hello")
    assert "keeps the contract" in folder.good("verify", "hello", "hello.intent")
    folder.write("other.intent", (folder.path / "hello.intent").read_text().replace("world", "moon"))
    ran = folder.run("verify", "hello", "other.intent")
    assert ran.status == 1 and "world" in ran.err


def test_targets(folder: Folder) -> None:
    folder.write("SConstruct", "")
    folder.write("targets/mine.yaml", "name: mine\nextends: riscv64\nsummary: My board\n")
    out = folder.good("targets")
    assert re.search(r"^mine +My board", out, re.MULTILINE)
    assert re.search(r"^arm64 .*aarch64", out, re.MULTILINE)
    names = [target["name"] for target in folder.run("targets", "--json").json["targets"]]
    assert {"arm64", "mine", "riscv64", "riscv64_zb", "x86_64", "x86_64_v3"} == set(names)
    elsewhere = folder.path / "elsewhere"
    elsewhere.mkdir()
    assert "mine" not in folder.good("targets", "--root", "elsewhere")


@pytest.mark.parametrize("arguments", [["new", "fresh"], ["new", "fresh", "--program"]])
def test_a_new_file_builds_as_it_stands(folder: Folder, arguments: list[str]) -> None:
    assert "fresh.intent: written" in folder.good(*arguments)
    assert "fresh: the contract holds together" in folder.good("check", "fresh.intent")
    folder.good("build", "fresh.intent", "--target", "arm64", "-o", "fresh")


def test_a_new_scons_tool(folder: Folder) -> None:
    """It goes beside the SConstruct, twice is as once, and another file of that name stays."""
    name = "site_scons/site_tools/intent.py"
    folder.write("SConstruct", "env = Environment(tools=['intent'], INTENT_TARGET='arm64')\n"
                 "env.Object('average.intent')\n")
    (folder.path / "below").mkdir()
    below = Folder(folder.path / "below")
    assert f"{name}: written" in below.good("new", "--scons")
    before = (folder.path / name).read_text()
    assert f"{name}: is there already" in folder.good("new", "--scons")
    assert (folder.path / name).read_text() == before
    subprocess.run([sys.executable, "-m", "SCons"], cwd=folder.path, env={**os.environ, "PYTHONPATH": str(ROOT)},
                   capture_output=True, check=True)
    assert (folder.path / "average.o").is_file()
    folder.write(name, "# Another tool.\n")
    ran = folder.run("new", "--scons")
    assert ran.status == 1
    assert "is there already, differs from what would be written, and stays as it is" in ran.err
    assert (folder.path / name).read_text() == "# Another tool.\n"


def test_cmake_dir(folder: Folder) -> None:
    path = folder.good("cmake-dir").removesuffix("\n")
    assert (Path(path) / "IntentToolConfig.cmake").is_file()
    assert folder.run("cmake-dir", "--json").json == {"ok": True, "folder": path}


def test_a_depfile_names_the_records_of_the_projects_targets(folder: Folder) -> None:
    folder.write("SConstruct", "")
    folder.write("targets/mine.yaml", "name: mine\nextends: riscv64\nsummary: My board\n")
    for target, inputs in (("mine", ["targets/mine.yaml", "triple.intent"]), ("riscv64", ["triple.intent"])):
        folder.good("build", "triple.intent", "--target", target, "-o", "x.o", "-MD", "x.d")
        assert re.findall(r"^(.*): $", (folder.path / "x.d").read_text(), re.MULTILINE) == inputs


def test_doctor(folder: Folder) -> None:
    out = folder.good("doctor")
    assert re.search(r"^ok +keystone-engine +0\.9\.2$", out, re.MULTILINE)
    assert re.search(r"^ok +qemu-aarch64 +qemu-aarch64 version", out, re.MULTILINE)
    empty = folder.path / "empty"
    empty.mkdir()
    without = folder.run("doctor", PATH=str(empty))
    assert without.status == 0
    assert re.search(r"^absent +qemu-aarch64", without.out, re.MULTILINE)
    assert "help: sudo apt-get install qemu-user" in without.out


def test_a_target_that_nothing_here_can_run(folder: Folder) -> None:
    empty = folder.path / "empty"
    empty.mkdir()
    ran = folder.run("show", "triple.intent", "--target", "riscv64_zb", PATH=str(empty))
    assert ran.status == 1
    assert "qemu-riscv64 is not installed" in ran.err
    assert "help: `intent-tool doctor` says what is missing" in ran.err


def test_a_fault_of_the_tool_is_called_that(folder: Folder) -> None:
    folder.write("break/sitecustomize.py", "import intent_tool.commands.targets as t\n"
                 "def run(options):\n    raise ValueError('inside')\nt.run = run\n")
    paths = f"{folder.path / 'break'}:{ROOT}"
    ran = folder.run("targets", PYTHONPATH=paths)
    assert ran.status == 3
    assert "this is a fault of the tool, not yours: ValueError: inside" in ran.err
    assert "INTENT_TOOL_DEBUG=1" in ran.err
    debugged = folder.run("targets", PYTHONPATH=paths, INTENT_TOOL_DEBUG="1")
    assert debugged.status == 3 and "Traceback" in debugged.err
    as_json = folder.run("targets", "--json", PYTHONPATH=paths)
    assert as_json.status == 3 and as_json.json["diagnostics"][0]["code"] == "internal"


def test_paths_in_messages_are_those_that_were_typed(folder: Folder) -> None:
    ran = folder.run("check", "./broken.intent")
    assert ran.err.startswith("./broken.intent:3:") or ran.err.startswith("broken.intent:3:")
    full = folder.run("check", str(folder.path / "broken.intent"))
    assert full.err.startswith(f"{folder.path}/broken.intent:3:")


def test_used_files_may_not_leave_the_root(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "outside.intent").write_text(AVERAGE)
    folder.write("uses.intent", "intent: x\nsignature: uint32_t f(uint32_t x)\nuses: [../outside.intent]\n"
                 "returns: average_floor(x, x)\n")
    assert folder.run("check", "uses.intent").status == 1
    assert folder.run("check", "uses.intent", "--root", str(tmp_path)).status == 0


def test_a_missing_package_is_named(folder: Folder) -> None:
    """The tool's own site packages are not there: what is left is Python."""
    done = subprocess.run([sys.executable, "-S", "-m", "intent_tool", "check", "average.intent"], cwd=folder.path,
                          capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1
    assert re.search(r"^intent-tool: the package (PyYAML|pycparser) is not installed$", done.stderr, re.MULTILINE)
    doctor = subprocess.run([sys.executable, "-S", "-m", "intent_tool", "doctor"], cwd=folder.path,
                            capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})
    assert doctor.returncode == 1
    assert re.search(r"^MISSING +pycparser +reads C prototypes$", doctor.stdout, re.MULTILINE)
    assert "help: pip install keystone-engine capstone" in doctor.stdout

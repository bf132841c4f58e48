"""The CMake package, and the example that uses it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from example import CROSS, MACHINES, Example, check_rebuilds, copy

import intent_tool

CONFIGURE = 'cmake -B build -DIntentTool_DIR="$(intent-tool cmake-dir)"'


def test_as_told(tmp_path: Path) -> None:
    example = copy("cmake", tmp_path)
    native, _ = example.told("CMakeLists.txt")
    assert native.startswith(CONFIGURE + "\n")
    assert "100% tests passed, 0 tests failed out of 1" in example.good(native)


@pytest.mark.parametrize("target", CROSS)
def test_another_machine(tmp_path: Path, target: str) -> None:
    example = copy("cmake", tmp_path)
    _, cross = example.told("CMakeLists.txt")
    assert "100% tests passed, 0 tests failed out of 1" in example.good(cross.replace("arm64", target))
    assert example.machine(f"build-{target}/mixer") == MACHINES[CROSS[target]]


@pytest.mark.parametrize("generator", ["Unix Makefiles", "Ninja"])
def test_rebuilds(tmp_path: Path, generator: str) -> None:
    example = copy("cmake", tmp_path)
    example.good(f"{CONFIGURE} -G '{generator}'")
    check_rebuilds(example, "cmake --build build --parallel 2", "build/mixer")


LISTS = """\
cmake_minimum_required(VERSION 3.20)
project(sums {language})
find_package(IntentTool REQUIRED)
{call}
"""


def lists(example: Example, call: str, language: str = "C") -> None:
    example.write("CMakeLists.txt", LISTS.format(language=language, call=call))


@pytest.mark.parametrize("generator", ["Unix Makefiles", "Ninja"])
def test_a_subfolder_and_a_build_in_the_source_folder(tmp_path: Path, generator: str) -> None:
    """Where depfiles hold relative paths; spaces in the names of folders; two libraries with the same intent, one for
    a shared library; C++; the least evidence; an intent used from a folder above."""
    example = copy("cmake", tmp_path / "a folder")
    lists(example, "add_subdirectory(part)", "CXX")
    part = example.folder / "part"
    part.mkdir()
    for name in ("mix_u8.intent", "main.c"):
        (example.folder / name).rename(part / name.replace(".c", ".cpp"))
    example.replace("part/mix_u8.intent", "[saturate_u8.intent]", "[../saturate_u8.intent]")
    (part / "CMakeLists.txt").write_text(
        "intent_add_library(one EVIDENCE proved mix_u8.intent ../saturate_u8.intent)\n"
        "intent_add_library(two mix_u8.intent)\n"
        "add_library(shared SHARED mix.cpp)\ntarget_link_libraries(shared PRIVATE two)\n"
        "add_executable(mixer main.cpp)\ntarget_link_libraries(mixer PRIVATE one)\n")
    (part / "mix.cpp").write_text('#include "mix_u8.h"\nint mixed() { return mix_u8(1, 2); }\n')
    build = "cmake --build . --parallel 2"
    example.good(f"{CONFIGURE.replace('build', '.')} -G '{generator}'\n{build}\npart/mixer")
    assert "saturate_u8.intent" not in example.good(build)
    example.replace("saturate_u8.intent", "nearest", "next")
    out = example.good(build)
    assert [out.count(f"Building {name}.intent for ") for name in ("saturate_u8", "mix_u8")] == [1, 2]


@pytest.mark.parametrize(("call", "options", "message"), [
    ("intent_add_library(sums)", "", "no .intent file is named"),
    ("intent_add_library(sums none.intent)", "", r"there is no file /.*/none\.intent"),
    ("intent_add_library(sums main.c)", "", r"main\.c is no \.intent file"),
    ("intent_add_library(sums TARGET)", "", "TARGET has no value"),
    ("intent_add_library(sums EVIDENCE sure mix_u8.intent)", "", "EVIDENCE is tested, bounded or proved, not sure"),
    ("intent_add_library(sums TARGET vax mix_u8.intent)", "",
     r"intent-tool knows no target vax, only: arm64, aarch64, .* Name one with TARGET or in IntentTool_TARGET"),
    ("intent_add_library(sums mix_u8.intent)", "-DIntentTool_TARGET=vax", "intent-tool knows no target vax, only: "),
    ("intent_add_library(sums mix_u8.intent)", "-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=sparc64",
     'no target is known for CMAKE_SYSTEM_PROCESSOR "sparc64". Set it in the toolchain file .* TARGET or in '
     'IntentTool_TARGET'),
    ("intent_add_library(sums TARGET arm64 mix_u8.intent)", "", "enable one in project"),
])
def test_what_is_wrong_in_a_call(tmp_path: Path, call: str, options: str, message: str) -> None:
    example = copy("cmake", tmp_path)
    lists(example, call, "NONE")
    ran = example.run(f"{CONFIGURE} {options}")
    assert ran.status != 0
    assert re.search(message, " ".join(ran.text.split())), ran.text
    assert "intent_add_library(sums): " in ran.text


def test_two_intents_of_one_name(tmp_path: Path) -> None:
    example = copy("cmake", tmp_path)
    (example.folder / "other").mkdir()
    example.write("other/mix_u8.intent", "")
    lists(example, "intent_add_library(sums mix_u8.intent other/mix_u8.intent)")
    ran = example.run(CONFIGURE)
    assert ran.status != 0
    assert "two files are named mix_u8.intent" in ran.text


def test_a_target_of_the_project(tmp_path: Path) -> None:
    """It is found in the project's targets/, and what it says is built anew when it changes."""
    example = copy("cmake", tmp_path)
    (example.folder / "targets").mkdir()
    example.write("targets/board.yaml", "name: board\nextends: riscv64\nsummary: A board\n")
    lists(example, "intent_add_library(sums mix_u8.intent)")
    build = "cmake --build build"
    example.good(f"{CONFIGURE} -DIntentTool_TARGET=board\n{build}")
    assert example.machine("build/sums.intents/mix_u8.o") == MACHINES["riscv64"]
    assert "Building mix_u8" not in example.good(build)
    example.replace("targets/board.yaml", "A board", "My board")
    assert "Building mix_u8.intent for board" in example.good(build)


def test_no_intent_tool(tmp_path: Path) -> None:
    folder = Path(intent_tool.__file__).parent / "cmake"
    example = replace(copy("cmake", tmp_path), path="/usr/bin:/bin")
    for option in ("", "-DIntentTool_EXECUTABLE=/no/intent-tool"):
        ran = example.run(f"cmake -B build -DIntentTool_DIR={folder} {option}")
        assert ran.status != 0
        said = " ".join(ran.text.split())
        assert ("Install it with `pip install intent-tool`, or name it: "
                "-DIntentTool_EXECUTABLE=/path/to/intent-tool.") in said


def test_an_intent_tool_that_does_not_work(tmp_path: Path) -> None:
    ran = copy("cmake", tmp_path).run(f"{CONFIGURE} -DIntentTool_EXECUTABLE=/bin/false")
    assert ran.status != 0
    assert "/bin/false does not work (1)" in ran.text and "`pip install intent-tool`" in ran.text


def test_the_version(tmp_path: Path) -> None:
    example = copy("cmake", tmp_path)
    for wanted, status in ((intent_tool.__version__, 0), ("0.0.9", 0), ("99", 1)):
        example.write("CMakeLists.txt", LISTS.replace("IntentTool REQ", f"IntentTool {wanted} REQ").format(
            language="NONE", call=""))
        ran = example.run(CONFIGURE)
        assert ran.status == status, ran.text
    assert f"version: {intent_tool.__version__}" in ran.text


def test_a_missing_compiler_and_a_missing_emulator(tmp_path: Path) -> None:
    example = copy("cmake", tmp_path)
    example.write("sparc64.cmake", (example.folder / "arm64.cmake").read_text().replace("aarch64", "sparc64"))
    ran = example.run(f"{CONFIGURE} -DCMAKE_TOOLCHAIN_FILE=sparc64.cmake")
    assert ran.status != 0
    assert "sparc64-linux-gnu-gcc is missing: apt-get install gcc-sparc64-linux-gnu" in " ".join(ran.text.split())
    example.replace("arm64.cmake", "qemu-aarch64", "qemu-none")
    out = example.good(f"{CONFIGURE} -DCMAKE_TOOLCHAIN_FILE=arm64.cmake")
    assert "qemu-none is missing, so that ctest can run nothing: apt-get install qemu-user" in " ".join(out.split())

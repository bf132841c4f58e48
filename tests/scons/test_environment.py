"""`.intent` files as sources in anybody's SConstruct."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from scons_project import AVERAGE, BROKEN, HELLO, TRIPLE, Project

SETUP = """\
import intent_tool
env = Environment(tools=["default", intent_tool.generate], INTENT_TARGET="x86_64", CC="gcc")
"""
MAIN = """\
#include <stdio.h>
#include "average_floor.h"
int main(void) { printf("%u\\n", average_floor(0xFFFFFFFFu, 7)); return 0; }
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Project:
    """A C program that calls an intent."""
    made = Project(tmp_path / "mixed")
    made.write("average_floor.intent", AVERAGE)
    made.write("main.c", MAIN)
    return made


def output(path: Path) -> str:
    return subprocess.run([path], capture_output=True, text=True, check=True).stdout


def test_program(mixed: Project) -> None:
    mixed.write("SConstruct", SETUP + "env.Program('app', ['main.c', 'average_floor.intent'])\n")
    mixed.build()
    assert output(mixed.folder / "app") == f"{(0xFFFFFFFF + 7) // 2}\n"
    out = mixed.build()
    assert "`.' is up to date" in out and "0 built, 1 up to date, 0 failed" in out


def test_a_changed_intent_relinks_the_program(mixed: Project) -> None:
    mixed.write("SConstruct", SETUP + "env.Program('app', ['main.c', 'average_floor.intent'])\n")
    mixed.build()
    mixed.write("average_floor.intent", AVERAGE.replace("(a + b) // 2", "max(a, b)").split("examples")[0])
    mixed.build()
    assert output(mixed.folder / "app") == f"{0xFFFFFFFF}\n"


def test_a_changed_prototype_recompiles_what_includes_the_header(mixed: Project) -> None:
    mixed.write("SConstruct", SETUP + "env.Program('app', ['main.c', 'average_floor.intent'])\n")
    mixed.build()
    mixed.write("average_floor.intent", AVERAGE.replace("(uint32_t a, uint32_t b)", "(uint32_t a)").replace(
        "(a + b) // 2", "a").split("examples")[0])
    ran = mixed.scons()
    assert ran.status == 2
    assert "too many arguments" in ran.err


def test_static_library_and_object(mixed: Project) -> None:
    mixed.write("triple.intent", TRIPLE)
    mixed.write("SConstruct", SETUP + (
        "env.StaticLibrary('sums', ['average_floor.intent', env.Object('triple.intent')])\n"
        "env.Program('app', 'main.c', LIBS=['sums'], LIBPATH=['.'])\n"))
    mixed.build()
    assert output(mixed.folder / "app") == f"{(0xFFFFFFFF + 7) // 2}\n"
    members = subprocess.run(["ar", "t", mixed.folder / "libsums.a"], capture_output=True, text=True, check=True)
    assert members.stdout.split() == ["average_floor.o", "triple.o"]


def test_static_and_shared_in_one_environment(mixed: Project) -> None:
    mixed.write("SConstruct", SETUP + (
        "env.SharedLibrary('sums', 'average_floor.intent')\n"
        "env.LoadableModule('plug', 'average_floor.intent')\n"
        "main = env.Object('main.c')\n"
        "env.Program('static', [main, 'average_floor.intent'])\n"
        "env.Program('dynamic', main, LIBS=['sums'], LIBPATH=['.'], RPATH=[Dir('.').abspath])\n"))
    out = mixed.build("-j2")
    assert len(re.findall(r"^\[", out, re.MULTILINE)) == 1
    assert output(mixed.folder / "static") == output(mixed.folder / "dynamic") == f"{(0xFFFFFFFF + 7) // 2}\n"
    assert {"average_floor.o", "average_floor.os", "average_floor.h"} <= mixed.files(".")


def test_intent_program(mixed: Project) -> None:
    mixed.write("hello.intent", HELLO)
    mixed.write("SConstruct", SETUP + (
        "env.IntentProgram('hello.intent')\n"
        "env.IntentProgram('renamed', 'hello.intent')\n"))
    mixed.build()
    for name in ("hello", "renamed"):
        done = subprocess.run([mixed.folder / name], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (3, b"Hello, world!\n")


@pytest.mark.parametrize(("call", "message"), [
    ("env.Object('hello.intent')", r"^hello\.intent:2:\d+: error\[E905\]: `hello` is a program, not a function$"),
    ("env.IntentProgram('average_floor.intent')",
     r"^average_floor\.intent:2:\d+: error\[E905\]: `average_floor` is a function, not a program$"),
])
def test_the_wrong_builder(mixed: Project, call: str, message: str) -> None:
    mixed.write("hello.intent", HELLO)
    before = mixed.files(".") | {"SConstruct", ".sconsign.dblite"}
    mixed.write("SConstruct", SETUP + call + "\n")
    ran = mixed.scons()
    assert ran.status == 2
    assert re.search(message, ran.err, re.MULTILINE), ran.err
    assert "help: build it with env." in ran.err
    assert mixed.files(".") == before


def test_a_variant_folder_for_each_target(mixed: Project) -> None:
    mixed.write("src/average_floor.intent", AVERAGE)
    mixed.write("SConstruct", SETUP + (
        "for name in ('x86_64', 'arm64', 'riscv64'):\n"
        "    each = env.Clone(INTENT_TARGET=name)\n"
        "    each.VariantDir(f'out/{name}', 'src', duplicate=0)\n"
        "    each.Object(f'out/{name}/average_floor.intent')\n"))
    mixed.build("-j2", "out")
    machines = {name: (mixed.folder / f"out/{name}/average_floor.o").read_bytes()[18] for name in
                ("x86_64", "arm64", "riscv64")}
    assert machines == {"x86_64": 62, "arm64": 183, "riscv64": 243}
    assert mixed.files("src") == {"average_floor.intent"}
    assert "0 built, 3 up to date" in mixed.build("out")


def test_a_failing_intent_stops_what_needs_it_and_nothing_else(mixed: Project) -> None:
    mixed.write("broken.intent", BROKEN)
    mixed.write("SConstruct", SETUP + (
        "env.Program('app', ['main.c', 'average_floor.intent'])\n"
        "env.Program('bad', ['main.c', 'average_floor.intent', 'broken.intent'])\n"))
    ran = mixed.scons("-k")
    assert ran.status == 2
    assert (mixed.folder / "app").exists() and not (mixed.folder / "bad").exists()
    assert not mixed.files(".") & {"broken.o", "broken.h", "broken.intent.json"}


@pytest.mark.parametrize(("variables", "message"), [
    ("INTENT_TARGET='vax'", r"no target is named `vax`; known: arm64"),
    ("INTENT_TARGET='all'", r"an environment builds for one target"),
    ("INTENT_EVIDENCE='none'", r"evidence=none: it is one of tested, bounded, proved"),
])
def test_generate_refuses_what_it_does_not_know(mixed: Project, variables: str, message: str) -> None:
    mixed.write("SConstruct", f"import intent_tool\nEnvironment(tools=[intent_tool.generate], {variables})\n")
    ran = mixed.scons()
    assert ran.status == 2
    assert re.search(message, ran.err), ran.err


def test_generate_names_the_packages_that_are_missing(mixed: Project) -> None:
    mixed.write("SConstruct", (
        "import importlib.util, intent_tool\n"
        "found = importlib.util.find_spec\n"
        "import intent_tool.packages as packages\n"
        "packages.find_spec = lambda name: None if name in ('keystone', 'lief') else found(name)\n"
        "Environment(tools=[intent_tool.generate])\n"))
    ran = mixed.scons()
    assert ran.status == 2
    assert "intent_tool needs packages that are not installed: keystone-engine, lief" in ran.err


def test_the_gallery_names_the_packages_that_are_missing(mixed: Project) -> None:
    mixed.write("SConstruct", (
        "import intent_tool.packages as packages\n"
        "packages.find_spec = lambda name: None\n"
        "from intent_tool.scons.gallery import gallery\n"
        "gallery(ARGUMENTS, COMMAND_LINE_TARGETS)\n"))
    ran = mixed.scons()
    assert ran.status == 2
    names = "keystone-engine, capstone, lief, unicorn, pypcode, bitwuzla, z3-solver, numpy, PyYAML, pycparser"
    assert names in ran.err


def test_a_site_tools_shim(mixed: Project) -> None:
    mixed.write("site_scons/site_tools/intent.py", "from intent_tool import exists, generate\n")
    mixed.write("SConstruct", "env = Environment(tools=['intent'], INTENT_TARGET='arm64')\n"
                "env.Object('average_floor.intent')\n")
    mixed.build()
    assert (mixed.folder / "average_floor.o").read_bytes()[18] == 183


@pytest.mark.parametrize("call", ["Program('app', ['main.c', %s])", "StaticLibrary('sums', [%s])",
                                  "SharedLibrary('sums', [%s])", "LoadableModule('sums', [%s])"])
def test_two_intents_with_one_symbol(mixed: Project, call: str) -> None:
    mixed.write("other/average.intent", AVERAGE)
    mixed.write("SConstruct", SETUP + "env." + call % "'average_floor.intent', 'other/average.intent'" + "\n")
    ran = mixed.scons()
    assert ran.status == 2
    assert "`average_floor` is defined by average_floor.intent and by other/average.intent" in ran.err


def test_an_intent_and_a_c_function_with_one_symbol(mixed: Project) -> None:
    """The linker says it, with both places."""
    mixed.write("main.c", MAIN + "uint32_t average_floor(uint32_t a, uint32_t b) { return a + b; }\n")
    mixed.write("SConstruct", SETUP + "env.Program('app', ['main.c', 'average_floor.intent'])\n")
    ran = mixed.scons()
    assert ran.status == 2
    assert "multiple definition of `average_floor'" in ran.err
    assert "average_floor.o" in ran.err and "main.c" in ran.err
    assert not (mixed.folder / "app").exists()


@pytest.mark.parametrize(("compiler", "message"), [
    ("gcc", "gcc links for x86_64, and the intents are for arm64"),
    ("m68k-none-gcc", "m68k-none-gcc is not installed"),
])
def test_no_compiler_for_the_c_part(mixed: Project, compiler: str, message: str) -> None:
    mixed.write("SConstruct", SETUP.replace("x86_64", "arm64").replace('CC="gcc"', f'CC="{compiler}"')
                + "env.Program('app', ['main.c', 'average_floor.intent'])\n")
    ran = mixed.scons()
    assert ran.status == 2
    assert message in ran.err
    assert "apt-get install gcc-aarch64-linux-gnu" in ran.err
    assert not mixed.files(".") - {"SConstruct", "main.c", "average_floor.intent", ".sconsign.dblite"}

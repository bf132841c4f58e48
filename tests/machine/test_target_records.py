"""Target records: the shipped ones, a project's own, and what is wrong with bad ones, with its place."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from intent_tool.language.diagnostics import IntentError
from intent_tool.machine import target_record
from intent_tool.machine.registers import BY_ISA
from intent_tool.machine.target import Target, load_targets, select_targets, shipped_records

ROOT = Path(__file__).parents[2]
SHIPPED = load_targets()

MINE = """\
name: mine
extends: riscv64
aliases: [board]
features: [zba]
instructions: [sh1add, sh2add]
"""


def project(folder: Path, **records: str) -> dict[str, Target]:
    (folder / "targets").mkdir(exist_ok=True)
    for name, text in records.items():
        (folder / "targets" / f"{name}.yaml").write_text(text)
    return load_targets(folder)


def complaint(folder: Path, **records: str) -> str:
    with pytest.raises(IntentError) as caught:
        project(folder, **records)
    return str(caught.value).replace(str(folder) + "/", "")


# The shipped ones

def test_the_five_of_the_design() -> None:
    assert list(SHIPPED) == ["arm64", "riscv64", "riscv64_zb", "x86_64", "x86_64_v3"]
    assert {t.isa for t in SHIPPED.values()} == set(BY_ISA)
    assert SHIPPED["x86_64_v3"].features == {"bmi1", "bmi2", "lzcnt", "popcnt", "avx2", "movbe"}
    assert SHIPPED["riscv64_zb"].features == {"m", "a", "f", "d", "c", "zba", "zbb", "zbs"}
    assert SHIPPED["riscv64"].instructions < SHIPPED["riscv64_zb"].instructions
    assert SHIPPED["x86_64"].instructions < SHIPPED["x86_64_v3"].instructions


@pytest.mark.parametrize("target", SHIPPED.values(), ids=SHIPPED)
def test_every_register_has_one_role(target: Target) -> None:
    abi = target.abi
    roles = [*abi.caller_saved, *abi.callee_saved, abi.stack_pointer]
    assert len(roles) == len(set(roles))
    left = {"x86_64": set(), "arm64": {"x18", "x30"}, "riscv64": {"zero", "ra", "gp", "tp"}}[target.isa]
    assert set(BY_ISA[target.isa]) - set(roles) == left
    assert (abi.link_register is None) == (target.isa == "x86_64")


def test_registers_are_those_of_the_instruction_tables() -> None:
    from intent_tool.machine import arm64, riscv64, x86_64

    assert {"x86_64": x86_64.REGISTERS, "arm64": arm64.REGISTERS, "riscv64": riscv64.REGISTERS} == BY_ISA


def test_digests_differ_and_stay() -> None:
    assert len({t.digest for t in SHIPPED.values()}) == len(SHIPPED)
    assert load_targets() == SHIPPED


@pytest.mark.parametrize("target", SHIPPED.values(), ids=SHIPPED)
def test_the_runner_and_its_cpu_model_are_there(target: Target, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"not an executable")
    result = subprocess.run([*target.runner, str(program)], capture_output=True, text=True, check=False)
    assert "cpu model" not in result.stderr.lower() and "property" not in result.stderr.lower()


def test_the_schema_has_the_keys_that_are_read() -> None:
    schema = json.loads((ROOT / "targets" / "schema.json").read_text())
    assert set(schema["properties"]) == set(target_record.RECORD_KEYS)
    assert set(schema["properties"]["elf"]["properties"]) == set(target_record.ELF_KEYS)
    assert set(schema["properties"]["abi"]["properties"]) == set(target_record.ABI_KEYS)


# Names

@pytest.mark.parametrize(("text", "names"), [
    ("arm64", ["arm64"]), ("aarch64", ["arm64"]),
    ("x86-64", ["x86_64"]), ("amd64", ["x86_64"]), ("rv64", ["riscv64"]),
    ("x86_64,riscv64", ["x86_64", "riscv64"]), (" riscv64 , ARM64 ", ["riscv64", "arm64"]),
    ("arm64,aarch64", ["arm64"]), ("all", list(SHIPPED)),
    ("x86_64,all", ["x86_64", "arm64", "riscv64", "riscv64_zb", "x86_64_v3"]),
])
def test_targets_are_selected_by_name(text: str, names: list[str]) -> None:
    assert [t.name for t in select_targets(text, SHIPPED)] == names


KNOWN = "known: arm64, riscv64, riscv64_zb, x86_64, x86_64_v3, all"


@pytest.mark.parametrize(("text", "message"), [
    ("arm46", f"error[E701]: no target is named `arm46`; {KNOWN}\nhelp: did you mean `arm64`?"),
    ("x86_64,aarch46", f"error[E701]: no target is named `aarch46`; {KNOWN}\nhelp: did you mean `aarch64`?"),
    ("sparc", f"error[E701]: no target is named `sparc`; {KNOWN}"),
    ("", f"error[E701]: a target's name is missing; {KNOWN}"),
    ("arm64,", f"error[E701]: a target's name is missing; {KNOWN}"),
])
def test_a_name_that_is_none_gets_the_names_that_are(text: str, message: str) -> None:
    with pytest.raises(IntentError) as caught:
        select_targets(text, SHIPPED)
    assert str(caught.value) == message


# A project's own

def test_a_project_adds_a_target(tmp_path: Path) -> None:
    targets = project(tmp_path, mine=MINE)
    mine, base = targets["mine"], SHIPPED["riscv64"]
    assert list(targets) == ["arm64", "mine", "riscv64", "riscv64_zb", "x86_64", "x86_64_v3"]
    assert mine.features == base.features | {"zba"}
    assert mine.instructions == base.instructions | {"sh1add", "sh2add"}
    assert (mine.abi, mine.elf, mine.runner, mine.triple) == (base.abi, base.elf, base.runner, base.triple)
    assert mine.aliases == ("board",)
    assert mine.digest != base.digest
    assert [t.name for t in select_targets("board", targets)] == ["mine"]


def test_a_record_may_change_single_keys_of_a_section(tmp_path: Path) -> None:
    mine = project(tmp_path, mine="name: mine\nextends: arm64\nelf:\n  page_size: 0x4000\n"
                                  "abi:\n  callee_saved: [x19, x20]\nrunner: [ssh, board]\n")["mine"]
    base = SHIPPED["arm64"]
    assert (mine.elf.page_size, mine.elf.text_alignment) == (0x4000, base.elf.text_alignment)
    assert mine.abi.callee_saved == ("x19", "x20")
    assert mine.abi.arguments == base.abi.arguments
    assert mine.runner == ("ssh", "board")


def test_the_readmes_example_is_a_record(tmp_path: Path) -> None:
    example = (ROOT / "targets" / "README.md").read_text().split("```yaml\n")[1].split("```")[0]
    board = project(tmp_path, board=example)["board"]
    assert board.features == SHIPPED["riscv64"].features | {"zba", "zbb"}
    assert board.emulator == "none"


def test_records_extend_each_other_in_any_order(tmp_path: Path) -> None:
    targets = project(tmp_path, a="name: a\nextends: b\nfeatures: [zbb]\n",
                      b="name: b\nextends: riscv64\nfeatures: [zba]\n")
    assert targets["a"].features == SHIPPED["riscv64"].features | {"zba", "zbb"}


def test_a_project_without_records_and_the_tools_own_source(tmp_path: Path) -> None:
    assert load_targets(tmp_path) == SHIPPED
    assert load_targets(ROOT) == SHIPPED
    # A checkout of the tool, used with an installed copy of it: the same records twice.
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    assert load_targets(tmp_path) == SHIPPED


# What is wrong with bad ones

@pytest.mark.parametrize(("text", "message"), [
    ("", "targets/mine.yaml:1:1: error[E702]: a target record is a mapping of keys to values"),
    ("- a\n", "targets/mine.yaml:1:1: error[E702]: a target record is a mapping of keys to values"),
    ("name: [a\n", "targets/mine.yaml:1:7: error[E114]: "),
    ("name: mine\nname: mine\n", "targets/mine.yaml:2:1: error[E109]: `name` is given twice"),
    ("name: &a mine\n", "targets/mine.yaml:1:7: error[E106]: "),
    ("name: !!str mine\n", "targets/mine.yaml:1:7: error[E112]: "),
    ("extends: arm64\n", "targets/mine.yaml:1:1: error[E706]: the key `name` is missing"),
    ("name:\n", "targets/mine.yaml:1:6: error[E706]: `name` is empty"),
    ("name: [mine]\n", "targets/mine.yaml:1:7: error[E706]: `name` is one word, not a list"),
    ("name: {a: b}\n", "targets/mine.yaml:1:7: error[E706]: `name` is one word, not a mapping"),
    ("name: My Board\n", "targets/mine.yaml:1:7: error[E703]: `My Board` cannot be a target's name"),
    ("name: all\n", "targets/mine.yaml:1:7: error[E703]: `all` cannot be a target's name"),
    ("name: arm64\nextends: riscv64\n", "targets/mine.yaml:1:7: error[E704]: there is a target `arm64` already, in "),
    ("name: mine\nextends: arm46\n", "targets/mine.yaml:2:10: error[E705]: no target is named `arm46`; known: "),
    ("name: mine\nextends: mine\n",
     "targets/mine.yaml:2:10: error[E705]: records extend each other in a circle: mine -> mine"),
    ("name: mine\nextends: arm64\naliases: [aarch64]\n",
     "targets/mine.yaml:3:11: error[E704]: the alias `aarch64` is an alias of `arm64` already"),
    ("name: mine\nextends: arm64\naliases: [x86_64]\n",
     "targets/mine.yaml:3:11: error[E704]: the alias `x86_64` is a target's name already"),
    ("name: mine\nextends: arm64\naliases: [mine]\n",
     "targets/mine.yaml:3:11: error[E704]: the alias `mine` is a target's name already"),
    ("name: mine\nextends: arm64\naliases: [a, a]\n",
     "targets/mine.yaml:3:14: error[E706]: `a` stands twice in `aliases`"),
    ("name: mine\nextends: arm64\naliases: [all]\n", "targets/mine.yaml:3:11: error[E706]: `all` cannot be an alias"),
    ("name: mine\nextends: arm64\naliases: [a b]\n", "targets/mine.yaml:3:11: error[E706]: `a b` cannot be an alias"),
    ("name: mine\nextends: arm64\naliases: a\n", "targets/mine.yaml:3:10: error[E706]: `aliases` is a list"),
    ("name: mine\nextend: arm64\n",
     "targets/mine.yaml:2:1: error[E706]: no key of a target record is named `extend`"),
    ("name: mine\nextends: arm64\nisa: riscv64\n",
     "targets/mine.yaml:3:1: error[E706]: `mine` extends `arm64`, whose isa is arm64"),
    ("name: mine\nisa: sparc\n",
     "targets/mine.yaml:2:6: error[E706]: no isa is named `sparc`; known: x86_64, arm64, "),
    ("name: mine\nisa: arm64\n", "targets/mine.yaml:1:1: error[E706]: the key `instructions` is missing"),
    ("name: mine\nextends: riscv64\nfeatures: [zbx]\n",
     "targets/mine.yaml:3:12: error[E706]: no feature is named `zbx`; known: m, a, f, d, c, zba, zbb, zbs"),
    ("name: mine\nextends: arm64\ninstructions: [Add]\n",
     "targets/mine.yaml:3:16: error[E706]: `Add` cannot be a mnemonic"),
    ("name: mine\nextends: arm64\ninstructions: [[[add]]]\n",
     "targets/mine.yaml:3:17: error[E706]: `instructions` is one word, not a list"),
    ("name: mine\nextends: arm64\ntriple: a b\n", "targets/mine.yaml:3:9: error[E706]: `a b` cannot be a triple"),
    ("name: mine\nextends: arm64\nrunner: []\n", "targets/mine.yaml:3:1: error[E706]: `runner` is empty"),
    ("name: mine\nextends: arm64\ndisassembler: objdump\n",
     "targets/mine.yaml:3:15: error[E706]: no disassembler is named `objdump`; known: capstone arm64"),
    ("name: mine\nextends: arm64\nlifter: ida\n", "targets/mine.yaml:3:9: error[E706]: no lifter is named `ida`"),
    ("name: mine\nextends: arm64\nemulator: bochs\n",
     "targets/mine.yaml:3:11: error[E706]: no emulator is named `bochs`"),
    ("name: mine\nextends: arm64\nelf: 5\n",
     "targets/mine.yaml:3:6: error[E706]: `elf` is a mapping of machine, flags"),
    ("name: mine\nextends: arm64\nelf:\n  entry: 5\n",
     "targets/mine.yaml:4:3: error[E706]: no key of `elf` is named `entry`"),
    ("name: mine\nextends: arm64\nelf:\n  machine: 62\n",
     "targets/mine.yaml:4:12: error[E706]: `machine` is 183 for this isa, not `62`"),
    ("name: mine\nextends: arm64\nelf:\n  flags: -1\n",
     "targets/mine.yaml:4:10: error[E706]: `flags` is a 32-bit number, not `-1`"),
    ("name: mine\nextends: riscv64\nelf:\n  flags: 4\n",
     "targets/mine.yaml:3:1: error[E706]: bit 0 of `elf: flags` (EF_RISCV_RVC) and the feature `c` go together"),
    ("name: mine\nextends: arm64\nelf:\n  text_alignment: 2\n",
     "targets/mine.yaml:4:19: error[E706]: `text_alignment` is a power of two from 4 to 4096, not `2`"),
    # YAML would make these 4096.
    ("name: mine\nextends: arm64\nelf:\n  page_size: 010000\n",
     "targets/mine.yaml:4:14: error[E706]: `page_size` is a power"),
    ("name: mine\nextends: arm64\nelf:\n  page_size: 4_096\n",
     "targets/mine.yaml:4:14: error[E706]: `page_size` is a power"),
    ("name: mine\nextends: arm64\nelf:\n  page_size: 1:8:16\n",
     "targets/mine.yaml:4:14: error[E706]: `page_size` is a power"),
    ("name: mine\nextends: arm64\nelf:\n  page_size: '4096'\n",
     "targets/mine.yaml:4:14: error[E706]: `page_size` is a power"),
    ("name: mine\nextends: arm64\nabi:\n  arguments: [x0, x1, a0]\n",
     "targets/mine.yaml:4:23: error[E706]: no register is named `a0`; known: x0, "),
    ("name: mine\nextends: arm64\nabi:\n  arguments: [x19]\n",
     "targets/mine.yaml:4:3: error[E706]: register x19 is an argument but not `caller_saved`"),
    ("name: mine\nextends: arm64\nabi:\n  result: x19\n",
     "targets/mine.yaml:4:3: error[E706]: register x19 holds the result but is not `caller_saved`"),
    ("name: mine\nextends: arm64\nabi:\n  callee_saved: [x0]\n",
     "targets/mine.yaml:4:3: error[E706]: register x0 is `caller_saved` too"),
    ("name: mine\nextends: arm64\nabi:\n  stack_pointer: x19\n",
     "targets/mine.yaml:4:3: error[E706]: register x19 is the stack pointer and may not be in another list"),
    ("name: mine\nextends: arm64\nabi:\n  stack_alignment: 12\n",
     "targets/mine.yaml:4:20: error[E706]: `stack_alignment` is a power of two from 8 to 4096, not `12`"),
    ("name: mine\nextends: arm64\nabi:\n  narrow_values: zero-extended\n",
     "targets/mine.yaml:4:18: error[E706]: no narrow_values is named `zero-extended`; known: "),
])
def test_a_bad_record_is_named_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    found = complaint(tmp_path, mine=text)
    assert found.startswith(message)
    assert found.count("error[") == 1


def test_problems_of_several_records_are_told_together(tmp_path: Path) -> None:
    found = complaint(tmp_path, a="name: a\nextends: nope\n", b="name: b\nextends: arm64\nisa: x86\n")
    assert "targets/a.yaml:2:10: error[E705]" in found
    assert "targets/b.yaml:3:6: error[E706]" in found


def test_a_circle_is_told_once_with_its_members(tmp_path: Path) -> None:
    found = complaint(tmp_path, a="name: a\nextends: b\n", b="name: b\nextends: a\n")
    assert "records extend each other in a circle: a -> b -> a" in found


def test_a_long_chain_of_records_does_not_exhaust_the_interpreter(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(3000)]
    records = {name: f"name: {name}\nextends: {below}\n"
               for name, below in zip(names, ["arm64", *names], strict=False)}
    assert "records extend each other more than 16 deep" in complaint(tmp_path, **records)


def test_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "targets" / "mine.yaml").mkdir(parents=True)
    assert complaint(tmp_path) == "error[E702]: targets/mine.yaml: cannot read the target record: Is a directory"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "mine.yaml").write_bytes(b"name: m\xffine\n")
    assert complaint(tmp_path).startswith("targets/mine.yaml:1:8: error[E102]: byte 0xff is not UTF-8")


# The wheel

def test_the_wheel_has_every_package_and_the_records() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "intent_tool").rglob("*.py")
               if path.name == "__init__.py"}
    assert set(setup["packages"]) == folders | {"intent_tool.targets"}
    assert setup["package-dir"]["intent_tool.targets"] == "targets"
    shipped = {path for pattern in setup["package-data"]["intent_tool.targets"]
               for path in (ROOT / "targets").glob(pattern)}
    assert {path for path in (ROOT / "targets").iterdir() if path.is_file()} == shipped


def test_records_are_found_in_an_installed_package(tmp_path: Path) -> None:
    assert shipped_records() == ROOT / "targets"
    installed = tmp_path / "site"
    shutil.copytree(ROOT / "intent_tool", installed / "intent_tool", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "targets", installed / "intent_tool" / "targets")
    script = "from intent_tool.machine.target import load_targets; print(*load_targets())"
    result = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True,
                            env={"PYTHONPATH": str(installed)})
    assert (result.stdout.split(), result.stderr) == (list(SHIPPED), "")

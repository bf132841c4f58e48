"""Builds one executable with every implementation of the kernels - this tool's, clang's, gcc's, libc's - and has it
compare them, time them, or count their instructions. Needs zig (the wheel `ziglang`), gcc for each ISA, and
qemu-user."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel_cases import Values, parameters

from intent_tool.language.contract import Contract
from intent_tool.language.load import load_intent
from intent_tool.machine.assembler import assemble
from intent_tool.machine.target import Target
from intent_tool.pipeline import Asked, build, write_binary
from intent_tool.propose import candidates

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
IMPLEMENTATIONS = ("ours", "clang", "gcc", "libc")
PREFIXES = {"ours": "", "clang": "clang_", "gcc": "gcc_", "libc": "libc_"}
LIBC = frozenset(re.findall(r"\blibc_(\w+)\(", (HERE / "libc_kernels.c").read_text(encoding="utf-8")))
"""Functions that the C library has."""
COMPARE, TIME, COUNT = range(3)
"""As harness.c has them."""


@dataclass(frozen=True)
class Toolchain:
    """How C is compiled for a target, with what the target has and no more."""

    zig: tuple[str, ...]
    gcc: str
    march: str
    emulator: tuple[str, ...]
    """Runs an executable where instructions are counted."""
    beyond: tuple[str, ...] = ()
    """What glibc must not choose its functions by, as GLIBC_TUNABLES names it: vectors that the target has not, and
    fast string instructions, which no processor of the x86-64 baseline had."""


TOOLCHAINS = {
    "x86_64": Toolchain(("-target", "x86_64-linux-gnu", "-mcpu=x86_64"), "x86_64-linux-gnu-gcc", "x86-64",
                        ("qemu-x86_64", "-cpu", "max"),
                        ("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX_Fast_Unaligned_Load", "ERMS")),
    "x86_64_v3": Toolchain(("-target", "x86_64-linux-gnu", "-mcpu=x86_64_v3"), "x86_64-linux-gnu-gcc", "x86-64-v3",
                           ("qemu-x86_64", "-cpu", "max"), ("AVX512F", "AVX512VL", "AVX512BW")),
    "arm64": Toolchain(("-target", "aarch64-linux-musl", "-mcpu=generic"), "aarch64-linux-gnu-gcc", "armv8-a",
                       ("qemu-aarch64", "-cpu", "max")),
    "riscv64": Toolchain(("-target", "riscv64-linux-musl", "-mcpu=baseline_rv64"), "riscv64-linux-gnu-gcc", "rv64gc",
                         ("qemu-riscv64", "-cpu", "rv64")),
    "riscv64_zb": Toolchain(("-target", "riscv64-linux-musl", "-mcpu=baseline_rv64+zba+zbb+zbs"),
                            "riscv64-linux-gnu-gcc", "rv64gc_zba_zbb_zbs",
                            ("qemu-riscv64", "-cpu", "rv64,zba=true,zbb=true,zbs=true")),
}


@dataclass(frozen=True)
class Job:
    mode: int
    contract: Contract
    values: Values
    rounds: int = 0
    nanoseconds: int = 0


@dataclass(frozen=True)
class Kernels:
    """The executable for one target."""

    target: Target
    contracts: tuple[Contract, ...]
    executable: Path
    ours: dict[str, str]
    """The listing of this tool's code by function."""

    def implementations(self, contract: Contract) -> tuple[str, ...]:
        return tuple(i for i in IMPLEMENTATIONS if i != "libc" or contract.name in LIBC)


def build_kernels(paths: Sequence[Path], target: Target, folder: Path, judged: bool = False) -> Kernels:
    """In `folder`. Of this tool's code the first proposal is taken or, with `judged`, what a build would deliver."""
    chain = TOOLCHAINS[target.name]
    contracts, listings = [], {}
    objects = []
    for path in paths:
        contract = load_intent(path, ROOT)
        if judged:
            built = build(path, target, ROOT)
            assert not isinstance(built, Asked)
            assembly, binary = built.candidate.assembly, built.binary
        else:
            assembly = next(iter(candidates(contract, target))).assembly
            binary = write_binary(contract, target, assemble(assembly, target))
        objects.append(folder / f"{contract.name}.o")
        objects[-1].write_bytes(binary)
        listings[contract.name] = assembly.text()
        contracts.append(contract)
    gcc = [chain.gcc, f"-march={chain.march}"]
    if chain.gcc.startswith("x86_64") and not shutil.which(chain.gcc):
        gcc[0] = "gcc"
    # zig traps on undefined behaviour and keeps frame pointers; clang by itself does neither.
    zig = [sys.executable, "-m", "ziglang", "cc", *chain.zig, "-fno-sanitize=undefined", "-fomit-frame-pointer"]
    _table(contracts, folder)
    for compiler, name, output, *options in (
            (zig, "kernels.c", "clang.o", "-DPREFIX=clang_"), (gcc, "kernels.c", "gcc.o", "-DPREFIX=gcc_"),
            (gcc, "libc_kernels.c", "libc.o"), (gcc, "harness.c", "harness.o", f"-I{folder}")):
        run([*compiler, "-std=c99", "-O3", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror", *options, "-c",
             HERE / name, "-o", folder / output])
        objects.append(folder / output)
    executable = folder / "harness"
    run([chain.gcc if shutil.which(chain.gcc) else gcc[0], "-static", *objects, "-o", executable])
    return Kernels(target, tuple(contracts), executable, listings)


def _table(contracts: Sequence[Contract], folder: Path) -> None:
    lines = ["typedef uint64_t function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);"]
    rows = []
    for contract in contracts:
        symbols = [PREFIXES[i] + contract.name for i in IMPLEMENTATIONS if i != "libc" or contract.name in LIBC]
        lines.append("extern function " + ", ".join(symbols) + ";")
        rows.append(f'    {{"{contract.name}", {{{", ".join(symbols)}}}}},')
    lines += [f"enum {{ IMPLEMENTATIONS = {len(IMPLEMENTATIONS)}, KERNELS = {len(contracts)} }};",
              "static const struct { const char *name; function *function[IMPLEMENTATIONS]; } table[] = {",
              *rows, "};"]
    (folder / "table.h").write_text("\n".join([*lines, ""]), encoding="utf-8")


def run(command: Sequence[str | Path], input: bytes = b"", **environment: str) -> bytes:
    """Standard output of a command that has to succeed."""
    done = subprocess.run([str(part) for part in command], input=input, capture_output=True, check=False,
                          env={**os.environ, **environment})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr.decode()[-2000:]}")
    return done.stdout


def _packed(job: Job, kernels: Kernels) -> bytes:
    """As harness.c reads it."""
    result = job.contract.signature.result if job.contract.signature else None
    given = parameters(job.contract)
    index = [c.name for c in kernels.contracts].index(job.contract.name)
    head = struct.pack("<6IQ", job.mode, index, len(given), result.bits if result else 0, job.rounds, 0,
                       job.nanoseconds)
    arguments, contents = [], []
    for p in given:
        value = job.values[p.name]
        if p.buffer:
            contents.append(value.tobytes())
            arguments.append(struct.pack("<QQ", len(contents[-1]), 1))
        else:
            # RISC-V wants 32-bit arguments sign-extended; elsewhere the upper half says nothing.
            extended = value - (1 << 32) if p.type.bits == 32 and value >= 1 << 31 else value
            arguments.append(struct.pack("<QQ", extended & 0xFFFFFFFFFFFFFFFF, 0))
    return head + b"".join(arguments) + b"".join(contents)


def answers(kernels: Kernels, jobs: Iterable[Job], command: Sequence[str] = ()) -> list[str]:
    """A line for each job, from the executable under `command`."""
    given = b"".join(_packed(job, kernels) for job in jobs)
    beyond = TOOLCHAINS[kernels.target.name].beyond
    tunables = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{name}" for name in beyond)} if beyond else {}
    return run([*command, kernels.executable], given, **tunables).decode().splitlines()


def times(kernels: Kernels, job: Job) -> dict[str, list[float]]:
    """Nanoseconds of a call in each round, by implementation."""
    numbers = [float(word) for word in answers(kernels, [job])[0].split()]
    found = {name: numbers[k * job.rounds:(k + 1) * job.rounds] for k, name in enumerate(IMPLEMENTATIONS)}
    return {name: found[name] for name in kernels.implementations(job.contract)}


def build_plugin(folder: Path) -> Path:
    """The plugin of qemu-user that counts instructions."""
    version = re.search(r"version (\d+)", run(["qemu-x86_64", "--version"]).decode())
    assert version is not None
    interface = 1 if int(version[1]) < 9 else 2
    plugin = folder / "count_instructions.so"
    run(["gcc", "-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={interface}", HERE / "count_instructions.c",
         "-o", plugin])
    return plugin


def counts(kernels: Kernels, jobs: Sequence[Job], plugin: Path) -> list[dict[str, int]]:
    """Instructions of each job's call, by implementation, a few for the calling included."""
    marks = plugin.with_suffix(".marks")
    emulator = [*TOOLCHAINS[kernels.target.name].emulator, "-plugin", f"{plugin},marks={marks}"]
    answers(kernels, jobs, emulator)
    numbers = iter([int(line) for line in marks.read_text(encoding="utf-8").split()])
    # At each mark the number so far: before and after each call.
    return [{name: -next(numbers) + next(numbers) for name in kernels.implementations(job.contract)} for job in jobs]

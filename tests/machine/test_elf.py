"""ELF files, looked at, linked and run by tools that share no code with the writer."""

from __future__ import annotations

import ctypes
import platform
import re
import struct
import subprocess
from pathlib import Path

import pytest
from peers import CPUS, TRIPLES, binutils, run, zig

from intent_tool.machine import elf_object
from intent_tool.machine.archive import global_symbols
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly, MachineCode, Table
from intent_tool.machine.elf import (
    ElfMismatch,
    read_back,
    write_archive,
    write_executable,
    write_object,
    write_objects,
    write_shared,
)
from intent_tool.machine.elf_link import join, relocated
from intent_tool.machine.riscv_attributes import architecture
from intent_tool.machine.target import Target, load_targets, select_targets

TARGETS = load_targets()
HOST, = select_targets(platform.machine(), TARGETS)
EACH = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)

TABLES = (Table(".Lpad", 1, b"\xee"), Table(".Lprimes", 8, bytes([2, 3, 5, 7, 11, 13, 17, 19])),
          Table(".Lhello", 1, b"Hello\n"))
PICK = {
    "x86_64": ("lea rax, [rip + .Lprimes]", "and edi, 7", "movzx eax, byte ptr [rax + rdi]", "ret"),
    "arm64": ("adrp x1, .Lprimes", "add x1, x1, :lo12:.Lprimes", "and x0, x0, #7", "ldrb w0, [x1, x0]", "ret"),
    "riscv64": ("andi a0, a0, 7", ".Lhi:", "auipc a1, %pcrel_hi(.Lprimes)", "addi a1, a1, %pcrel_lo(.Lhi)",
                "add a0, a0, a1", "lbu a0, 0(a0)", "ret"),
}
TWICE = {"x86_64": ("lea eax, [rdi + rdi]", "ret"), "arm64": ("add w0, w0, w0", "ret"),
         "riscv64": ("addw a0, a0, a0", "ret")}
PROGRAM = {
    "x86_64": ("mov eax, 1", "mov edi, 1", "lea rsi, [rip + .Lhello]", "mov edx, 6", "syscall", "mov eax, 60",
               "mov edi, 7", "syscall"),
    "arm64": ("mov x8, #64", "mov x0, #1", "adrp x1, .Lhello", "add x1, x1, :lo12:.Lhello", "mov x2, #6", "svc #0",
              "mov x8, #93", "mov x0, #7", "svc #0"),
    "riscv64": ("li a7, 64", "li a0, 1", ".Lhi:", "auipc a1, %pcrel_hi(.Lhello)", "addi a1, a1, %pcrel_lo(.Lhi)",
                "li a2, 6", "ecall", "li a7, 93", "li a0, 7", "ecall"),
}


def pick(target: Target) -> MachineCode:
    return assemble(Assembly(PICK[target.isa], TABLES), target)


def twice(target: Target) -> MachineCode:
    return assemble(Assembly(TWICE[target.isa]), target)


def linkers(target: Target) -> list[list[str]]:
    """Every linker of the ISA, told to take no warning."""
    found = [[binutils(target.isa, "ld"), "--fatal-warnings"], ["ld.lld", "--fatal-warnings"]]
    if target.isa == "x86_64":
        found.append([binutils("x86_64", "ld.gold"), "--fatal-warnings"])
    return found


# Objects

@EACH
def test_objects_link_without_a_warning(target: Target, tmp_path: Path) -> None:
    objects = [tmp_path / "one.o", tmp_path / "two.o"]
    objects[0].write_bytes(write_object(target, "pick", pick(target)))
    objects[1].write_bytes(write_objects(target, [("twice", twice(target)), ("pick2", pick(target))]))
    for linker in linkers(target):
        for kind in (["-e", "pick"], ["-shared"], ["-e", "pick", "--gc-sections"], ["-r"]):
            run(*linker, *kind, *objects, "-o", tmp_path / "linked")


@EACH
def test_readelf_has_nothing_to_complain_about(target: Target, tmp_path: Path) -> None:
    """GNU readelf warns, on standard error, of whatever is inconsistent in a file."""
    files = {"o": write_object(target, "pick", pick(target)), "so": write_shared(target, [("pick", pick(target))]),
             "exe": write_executable(target, assemble(Assembly(PROGRAM[target.isa], TABLES), target))}
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        shown = run(binutils(target.isa, "readelf"), "-aW", path)
        assert "<corrupt" not in shown and "<unknown" not in shown


@EACH
def test_an_object_as_readelf_shows_it(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "pick.o"
    code = pick(target)
    path.write_bytes(write_object(target, "pick", code))
    shown = run(binutils(target.isa, "readelf"), "-hSsrW", path)
    assert re.search(rf"{len(code.code)} FUNC +GLOBAL +DEFAULT +1 pick\n", shown)
    text = f"{len(code.code):06x} 00 +AX +0 +0 +{target.elf.text_alignment}"
    assert re.search(rf" \.text +PROGBITS +0{{16}} \w+ {text}\n", shown)
    assert re.search(rf" \.rodata +PROGBITS +0{{16}} \w+ {len(code.rodata):06x} 00 +A +0 +0 +8\n", shown)
    assert re.search(r" \.note\.GNU-stack +PROGBITS +0{16} \w+ 000000 00 +0 +0 +1\n", shown)
    assert f"Flags:                             0x{target.elf.flags:x}" in shown
    for relocation in code.relocations:
        # Long names are cut off in this column.
        assert relocation.type[:17] in shown
    if target.isa == "x86_64":
        assert "$x" not in shown
    else:
        assert re.search(r"NOTYPE +LOCAL +DEFAULT +1 \$x\n", shown) and re.search(r"LOCAL +DEFAULT +2 \$d\n", shown)


@EACH
def test_objects_and_binutils_agree_on_the_code(target: Target, tmp_path: Path) -> None:
    """objdump knows the extensions from the file alone."""
    path = tmp_path / "pick.o"
    lines = {"x86_64": (), "x86_64_v3": ("andn eax, edi, esi",), "arm64": (), "riscv64": ("mul a0, a0, a1",),
             "riscv64_zb": ("sh1add a0, a0, a1", "rev8 a0, a0", "bset a0, a0, a1")}[target.name]
    path.write_bytes(write_object(target, "f", assemble(Assembly((*lines, *TWICE[target.isa])), target)))
    shown = run(binutils(target.isa, "objdump"), "-d", path)
    for line in (*lines, "ret"):
        assert re.search(r"\t" + line.split()[0] + r"\b", shown), shown
    assert "unknown" not in shown and "(bad)" not in shown


MAIN = """
extern unsigned char pick(unsigned long);
extern unsigned pick2(unsigned long), twice(unsigned);
static const unsigned char primes[] = {2, 3, 5, 7, 11, 13, 17, 19};
int main(void) {
    for (unsigned long i = 0; i < 8; i++)
        if (pick(i) != primes[i] || pick2(i + 8) != primes[i] || twice(i) != 2 * i) return 1;
    return 42;
}
"""


STACK_NOTE = '.section .note.GNU-stack,"",%progbits\n'
START = {
    "x86_64": ".globl _start\n_start: call main\nmov %eax, %edi\nmov $60, %eax\nsyscall\n",
    "arm64": ".globl _start\n_start: bl main\nmov x8, #93\nsvc #0\n",
    "riscv64": ".globl _start\n_start: call main\nli a7, 93\necall\n",
}


@EACH
def test_c_calls_the_functions(target: Target, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(MAIN)
    members = [("pick.o", write_object(target, "pick", pick(target))),
               ("more.o", write_objects(target, [("pick2", pick(target)), ("twice", twice(target))]))]
    for name, data in members:
        (tmp_path / name).write_bytes(data)
    archive = tmp_path / "libfun.a"
    archive.write_bytes(write_archive(members))
    main, start, program = tmp_path / "main.o", tmp_path / "start.o", tmp_path / "program"
    zig("cc", "-c", "-O2", "-target", TRIPLES[target.isa], "-mcpu=" + CPUS[target.isa], tmp_path / "main.c", "-o",
        main)
    (tmp_path / "start.s").write_text(START[target.isa] + STACK_NOTE)
    run(binutils(target.isa, "as"), tmp_path / "start.s", "-o", start)
    for inputs in ([tmp_path / "pick.o", tmp_path / "more.o"], [archive]):
        for linker in linkers(target):
            run(*linker, start, main, *inputs, "-o", program)
            assert subprocess.run([*target.runner, str(program)], check=False).returncode == 42


def test_a_position_independent_program_of_the_host_takes_the_object(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(MAIN)
    (tmp_path / "all.o").write_bytes(write_objects(
        HOST, [("pick", pick(HOST)), ("pick2", pick(HOST)), ("twice", twice(HOST))]))
    run("gcc", "-pie", "-Wl,--fatal-warnings", tmp_path / "main.c", tmp_path / "all.o", "-o", tmp_path / "program")
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 42


# Executables

@EACH
def test_an_executable_runs_without_libc(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(write_executable(target, assemble(Assembly(PROGRAM[target.isa], TABLES), target)))
    path.chmod(0o755)
    result = subprocess.run([*target.runner, str(path)], capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (7, b"Hello\n", b"")


def test_the_kernel_itself_runs_an_executable(tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(write_executable(HOST, assemble(Assembly(PROGRAM[HOST.isa], TABLES), HOST)))
    path.chmod(0o755)
    result = subprocess.run([path], capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (7, b"Hello\n")


@EACH
def test_no_memory_is_writable_and_executable(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(write_executable(target, assemble(Assembly(PROGRAM[target.isa], TABLES), target), "_begin"))
    shown = run(binutils(target.isa, "readelf"), "-lsW", path)
    segments = re.findall(r"^  (LOAD|GNU_STACK) +\S+ (0x\w+) \S+ (0x\w+) 0x\w+ ([R ][W ][E ]) (0x\w+)$", shown, re.M)
    assert [(kind, flags) for kind, _, _, flags, _ in segments] == [
        ("LOAD", "R  "), ("LOAD", "R E"), ("GNU_STACK", "RW ")]
    first, second = ((int(start, 16), int(size, 16)) for kind, start, size, _, _ in segments if kind == "LOAD")
    assert (first[0] + first[1] - 1) // target.elf.page_size < second[0] // target.elf.page_size
    assert {int(alignment, 16) for kind, *_, alignment in segments if kind == "LOAD"} == {target.elf.page_size}
    assert "GLOBAL DEFAULT    1 _begin" in shown


@EACH
def test_an_executable_without_tables(target: Target, tmp_path: Path) -> None:
    lines = {"x86_64": ("mov eax, 60", "mov edi, 3", "syscall"), "arm64": ("mov x8, #93", "mov x0, #3", "svc #0"),
             "riscv64": ("li a7, 93", "li a0, 3", "ecall")}[target.isa]
    path = tmp_path / "quiet"
    path.write_bytes(write_executable(target, assemble(Assembly(lines), target)))
    path.chmod(0o755)
    assert subprocess.run([*target.runner, str(path)], check=False).returncode == 3


@EACH
@pytest.mark.parametrize("options", [[], ["-Ttext=0x1400000"], ["-Ttext=0x7ffff0"], ["-Ttext=0x810800"]])
def test_relocations_are_applied_as_the_linkers_do(target: Target, options: list[str], tmp_path: Path) -> None:
    code = pick(target)
    (tmp_path / "pick.o").write_bytes(write_object(target, "pick", code))
    linked = tmp_path / "linked"
    for linker in linkers(target):
        # Linkers may shorten what they know to be near, if they are allowed to.
        run(*linker, "--no-relax", *options, "-e", "pick", tmp_path / "pick.o", "-o", linked)
        shown = run(binutils(target.isa, "readelf"), "-SW", linked)
        address = {name: int(value, 16) for name, value in re.findall(r" (\.text|\.rodata) +PROGBITS +(\w+)", shown)}
        run(binutils(target.isa, "objcopy"), "-O", "binary", "-j", ".text", linked, tmp_path / "raw")
        ours = relocated(join([("pick", code)], target.elf.machine, 1), address[".text"], address[".rodata"])
        assert (tmp_path / "raw").read_bytes() == ours, linker


def test_a_distance_that_does_not_fit_is_an_error() -> None:
    for target in TARGETS.values():
        linked = join([("pick", pick(target))], target.elf.machine, target.elf.text_alignment)
        with pytest.raises(OverflowError, match="does not fit"):
            relocated(linked, 0x1000, 1 << 40)


# Archives and shared objects

@EACH
def test_archives_are_what_ar_makes(target: Target, tmp_path: Path) -> None:
    """The same members in GNU ar's deterministic mode give the same bytes."""
    members = [("pick.o", write_object(target, "pick", pick(target))),
               ("a_member_with_a_long_name.o", write_objects(target, [("t1", twice(target)), ("t2", twice(target))])),
               ("fifteen_chars_o", write_object(target, "odd", twice(target)))]
    for name, data in members:
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o644)
    run(binutils(target.isa, "ar"), "rcsD", tmp_path / "peer.a", *(tmp_path / name for name, _ in members))
    assert write_archive(members) == (tmp_path / "peer.a").read_bytes()
    assert global_symbols(members[1][1]) == [b"t1", b"t2"]


def test_names_that_an_archive_cannot_hold() -> None:
    for name in ("", "a/b.o", "a\nb.o", "\N{DEGREE SIGN}.o"):
        with pytest.raises(ValueError, match="an archive cannot hold a member named"):
            write_archive([(name, write_object(TARGETS["arm64"], "f", twice(TARGETS["arm64"])))])


def test_a_shared_object_is_loaded_by_the_host(tmp_path: Path) -> None:
    path = tmp_path / "libfun.so"
    path.write_bytes(write_shared(HOST, [("pick", pick(HOST)), ("twice", twice(HOST))], "libfun.so"))
    library = ctypes.CDLL(str(path))
    assert [library.pick(i) for i in range(8)] == [2, 3, 5, 7, 11, 13, 17, 19]
    assert library.twice(21) == 42


@EACH
def test_programs_link_against_a_shared_object(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "libfun.so"
    functions = [("pick", pick(target)), *((f"twice{number}", twice(target)) for number in range(20))]
    path.write_bytes(write_shared(target, functions, "libfun.so.1"))
    caller = {"x86_64": "_start: call twice7\n", "arm64": "_start: bl twice7\n",
              "riscv64": ".option norelax\n_start: call twice7\n"}[target.isa]
    (tmp_path / "caller.s").write_text(".globl _start\n" + caller + STACK_NOTE)
    run(binutils(target.isa, "as"), tmp_path / "caller.s", "-o", tmp_path / "caller.o")
    for linker in linkers(target):
        run(*linker, "--no-undefined", tmp_path / "caller.o", path, "-o", tmp_path / "program")
        shown = run(binutils(target.isa, "readelf"), "-dW", tmp_path / "program")
        assert "Shared library: [libfun.so.1]" in shown
    shown = run(binutils(target.isa, "readelf"), "--dyn-syms", "-W", path)
    assert len(re.findall(r"FUNC    GLOBAL DEFAULT    4 (?:pick|twice\d+)\n", shown)) == len(functions)


# Reading back

@EACH
def test_equal_input_gives_equal_bytes(target: Target) -> None:
    assert write_object(target, "pick", pick(target)) == write_object(target, "pick", pick(target))
    program = assemble(Assembly(PROGRAM[target.isa], TABLES), target)
    assert write_executable(target, program) == write_executable(target, program)
    assert write_shared(target, [("pick", pick(target))]) == write_shared(target, [("pick", pick(target))])


@EACH
def test_any_changed_byte_of_code_tables_symbols_and_relocations_is_noticed(target: Target) -> None:
    code = pick(target)
    data = write_object(target, "pick", code)
    places = [data.index(code.code), data.index(code.code) + len(code.code) - 1, data.index(code.rodata) + 1,
              data.index(b"\0pick\0") + 1, data.index(b"\0.text\0") + 1]
    first = code.relocations[0]
    rela = data.index(struct.pack("<QI", first.offset, elf_object.gabi.RELOCATION_NUMBERS[first.type]))
    # Offset, type, symbol, addend.
    places += [rela, rela + 8, rela + 12, rela + 16]
    places.append(data.index(struct.pack("<BBHQQ", 0x12, 0, 1, 0, len(code.code))) + 12)
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(ElfMismatch):
            read_back(target, bytes(changed), [("pick", code)])


@EACH
def test_a_writable_code_segment_or_executable_stack_is_noticed(target: Target) -> None:
    code = assemble(Assembly(PROGRAM[target.isa], TABLES), target)
    data = write_executable(target, code)
    flags = [64 + 56 * number + 4 for number in range(3)]
    alignment_of_text = 64 + 56 + 48
    for place, value in ((flags[0], 7), (flags[1], 7), (flags[1], 4), (flags[2], 7), (alignment_of_text + 4, 1)):
        changed = bytearray(data)
        changed[place] = value
        with pytest.raises(ElfMismatch):
            read_back(target, bytes(changed), [("_start", code)])


def test_what_is_no_elf_file_is_noticed() -> None:
    target = TARGETS["arm64"]
    for data in (b"", b"\x7fELF", b"MZ" + bytes(500)):
        with pytest.raises(ElfMismatch):
            read_back(target, data, [("pick", pick(target))])


def test_a_fault_of_the_writer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(elf_object.gabi.RELOCATION_NUMBERS, "R_AARCH64_ADD_ABS_LO12_NC", 278)
    with pytest.raises(ElfMismatch, match="relocations of the written file"):
        write_object(TARGETS["arm64"], "pick", pick(TARGETS["arm64"]))


def test_riscv_architecture_strings_are_as_gnu_as_writes_them(tmp_path: Path) -> None:
    (tmp_path / "a.s").write_text("nop\n")
    for march, name in (("rv64gc", "riscv64"), ("rv64gc_zba_zbb_zbs", "riscv64_zb")):
        run(binutils("riscv64", "as"), "-misa-spec=20191213", "-march=" + march, tmp_path / "a.s", "-o",
            tmp_path / "a.o")
        shown = run(binutils("riscv64", "readelf"), "-A", tmp_path / "a.o")
        theirs = re.search(r'Tag_RISCV_arch: "(.*)"', shown)
        assert theirs is not None
        # `g` includes fence.i, which no code of ours has; `m` implies zmmul, which only newer versions spell out.
        assert architecture(TARGETS[name].features) == re.sub("_(zifencei2p0|zmmul1p0)", "", theirs[1])

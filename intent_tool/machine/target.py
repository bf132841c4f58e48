"""Targets: what one is, all that are known, and those that a user names."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from intent_tool.language.diagnostics import error


@dataclass(frozen=True, slots=True)
class ElfIdentity:
    """What goes into the ELF header (gABI, and the psABI of each machine)."""

    machine: int
    """e_machine: EM_X86_64 62, EM_AARCH64 183, EM_RISCV 243."""
    flags: int
    """e_flags (RISC-V: EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE = 5)."""
    text_alignment: int
    """Bytes; alignment of `.text` in objects."""
    page_size: int
    """Bytes; the largest page size in use, segments of executables are aligned to it."""


@dataclass(frozen=True, slots=True)
class Abi:
    """The calling convention, for integer and pointer values only. Registers by their 64-bit names."""

    arguments: tuple[str, ...]
    result: str
    caller_saved: tuple[str, ...]
    """May be written freely; includes the argument registers; in the order that allocation prefers."""
    callee_saved: tuple[str, ...]
    """Must hold their entry values on return; without the stack pointer."""
    stack_pointer: str
    link_register: str | None
    """None where the return address is on the stack (x86-64)."""
    stack_alignment: int
    """Bytes, at a call."""
    narrow_values: str
    """``undefined``: bits above a narrow argument or result are anything;
    ``sign-extended``: 32-bit values are sign-extended to 64 bits whatever their type, narrower ones are
    extended by their own sign to 32 bits first (RISC-V psABI, Integer Calling Convention)."""


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    aliases: tuple[str, ...]
    summary: str
    isa: str
    """Which instruction table and ELF conventions: ``x86_64``, ``arm64`` or ``riscv64``."""
    triple: str
    features: frozenset[str]
    elf: ElfIdentity
    abi: Abi
    disassembler: str
    lifter: str
    emulator: str
    """unicorn's architecture and mode, or ``none`` when it lacks the features."""
    runner: tuple[str, ...]
    """The user-mode emulator and its arguments, e.g. ``("qemu-x86_64", "-cpu", "max")``."""
    instructions: frozenset[str]
    """Mnemonics that a binary may use, as the judge's disassembler names them."""
    digest: str
    """SHA-256 of everything above, hexadecimal."""

    def has(self, feature: str) -> bool:
        return feature in self.features


def shipped_records() -> Path:
    """The folder of the records that come with the tool: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "targets"
    return installed if installed.is_dir() else package.parent / "targets"


def load_targets(project: Path | None = None) -> dict[str, Target]:
    """Every known target by name, sorted: the shipped ones, and those of ``project/targets/*.yaml``.

    Raises `IntentError` for a record that is malformed, with its place."""
    from intent_tool.machine.target_record import read_records

    folders = [shipped_records()]
    if project is not None and (project / "targets").is_dir() and not (project / "targets").samefile(folders[0]):
        folders.append(project / "targets")
    return read_records(folders)


def select_targets(text: str, targets: dict[str, Target]) -> tuple[Target, ...]:
    """The targets that `text` names: ``arm64``, ``x86_64,riscv64``, an alias, ``all``. Each once, in that order.

    Raises `IntentError` (E701) for a name that is none, with the names that are."""
    by_name = dict(targets)
    for target in targets.values():
        by_name.update(dict.fromkeys(target.aliases, target))
    chosen: dict[str, Target] = {}
    for name in (part.strip().lower() for part in text.split(",")):
        if name == "all":
            chosen.update(targets)
        elif name in by_name:
            chosen[by_name[name].name] = by_name[name]
        else:
            near = get_close_matches(name, [*by_name, "all"], 1, 0.6)
            said = f"no target is named `{name}`" if name else "a target's name is missing"
            raise error("E701", f"{said}; known: {', '.join(targets)}, all",
                        help=f"did you mean `{near[0]}`?" if near else None)
    return tuple(chosen.values())

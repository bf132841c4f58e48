"""`intent-tool build`"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intent_tool.commands.common import Failed, Reply, Usage, one_target, project_root, rendered
from intent_tool.commands.finding import add_finding_arguments, asking, build, lock_path, wishes
from intent_tool.emit.files import remove, write_whole
from intent_tool.language.diagnostics import Diagnostic, IntentError

if TYPE_CHECKING:
    from intent_tool.machine.target import Target
    from intent_tool.pipeline import Built

SUMMARY = "build intents to files"

KINDS = {
    "obj": "a relocatable object (of a function)",
    "exe": "an executable (of a program)",
    "shared": "a shared library of all FILEs",
    "archive": "a static library of all FILEs",
    "asm": "assembly text",
    "bytes": "the machine code alone, without any container",
}
SUFFIXES = {"obj": ".o", "exe": "", "asm": ".s", "bytes": ".bin"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--target", required=True, metavar="T")
    parser.add_argument("-o", dest="output", required=True, type=Path, metavar="OUT",
                        help="the output file; a folder when there are several FILEs that do not go into one library")
    parser.add_argument("--emit", choices=list(KINDS), metavar="KIND",
                        help="; ".join(f"{k}: {text}" for k, text in KINDS.items())
                        + " (default: obj for a function, exe for a program)")
    parser.add_argument("--header", type=Path, metavar="H", help="write a C header that declares all functions")
    parser.add_argument("-MD", dest="depfile", type=Path, metavar="DEPFILE",
                        help="write a Makefile rule: every output on the left, every input on the right")
    parser.add_argument("--locked", action="store_true", help="take locked code only, from intents.lock")
    add_finding_arguments(parser)
    parser.add_argument("--evidence", choices=("tested", "bounded", "proved"), default="tested", metavar="LEVEL",
                        help="the least that is good enough: tested (default), bounded or proved")


@dataclass(frozen=True, slots=True)
class _Output:
    path: Path
    data: bytes | str
    executable: bool = False


def run(options: argparse.Namespace) -> Reply:
    """All files are written, or none: what an earlier run left under their names goes away when one fails."""
    several = len(options.files) > 1 and options.emit not in ("shared", "archive")
    if several and options.output.exists() and not options.output.is_dir():
        raise Usage(f"-o {options.output}: is a file; several FILEs go into a folder, or --emit archive or shared")
    try:
        return _build(options, several)
    except BaseException:
        stale = [options.output, options.header, options.depfile]
        if several:
            stale += [p for p in (_path_in(options, file) for file in options.files) if p is not None]
        remove(path for path in stale if path is not None)
        raise


def _build(options: argparse.Namespace, several: bool) -> Reply:
    from intent_tool import pipeline
    from intent_tool.emit.header import header_text

    root = project_root(options, options.files[0])
    target = one_target(options, root)
    ask = asking(options)
    built: list[Built] = []
    failures: list[Diagnostic] = []
    for file in options.files:
        try:
            wanted = wishes(options, file, options.evidence, locked=options.locked)
            built.append(build(options, file, target, wanted, ask))
        except IntentError as failure:
            failures += failure.diagnostics
    if failures:
        raise IntentError(*failures)
    outputs = _outputs(options, built, several)
    if options.header is not None:
        outputs.append(_Output(options.header, header_text(*(b.contract for b in built),
                                                           guard=_identifier(options.header.stem))))
    if options.depfile is not None:
        inputs = sorted({_shown(name) for name in (*_own_records(target, root),
                                                   *_locks(options),
                                                   *(name for b in built for name in b.contract.files))})
        outputs.append(_Output(options.depfile, _rule([str(o.path) for o in outputs], inputs)))
    for output in outputs:
        write_whole(output.path, output.data, output.executable)
    records = [pipeline.record(b, str(file)) for b, file in zip(built, options.files, strict=True)]
    notes = rendered(tuple(note for b in built for note in b.notes))
    return Reply("", {"outputs": [str(o.path) for o in outputs], "records": records,
                      "diagnostics": [n.to_json() for b in built for n in b.notes]}, True, notes)


def _outputs(options: argparse.Namespace, built: list[Built], several: bool) -> list[_Output]:
    if options.emit in ("shared", "archive"):
        return [_Output(options.output, _library(options.emit, built), options.emit == "shared")]
    outputs: list[_Output] = []
    for item, file in zip(built, options.files, strict=True):
        kind = options.emit or ("obj" if item.contract.signature is not None else "exe")
        path = options.output / (file.stem + SUFFIXES[kind]) if several else options.output
        if any(other.path == path for other in outputs):
            raise Failed(f"{path}: two FILEs have this output")
        outputs.append(_Output(path, _content(kind, item), kind == "exe"))
    return outputs


def _content(kind: str, built: Built) -> bytes | str:
    name, place = built.contract.name, built.contract.source.path
    is_program = built.contract.signature is None
    if kind == "asm":
        return built.candidate.assembly.text()
    if kind == "bytes":
        if built.code.rodata:
            raise Failed(f"{place}: `{name}` has constant tables beside its code; --emit obj keeps them together")
        return built.code.code
    if is_program != (kind == "exe"):
        raise Failed(f"{place}: `{name}` is a {'program' if is_program else 'function'}; "
                     f"--emit {'exe' if is_program else 'obj'} writes it")
    return built.binary


def _library(kind: str, built: list[Built]) -> bytes:
    from intent_tool.machine.elf import write_archive, write_shared

    for item in built:
        if item.contract.signature is None:
            raise Failed(f"{item.contract.source.path}: `{item.contract.name}` is a program; a library has functions")
    names = [item.contract.name for item in built]
    for name in names:
        if names.count(name) > 1:
            raise Failed(f"two FILEs define `{name}`")
    if kind == "archive":
        return write_archive([(f"{item.contract.name}.o", item.binary) for item in built])
    return write_shared(built[0].target, [(item.contract.name, item.code) for item in built])


def _path_in(options: argparse.Namespace, file: Path) -> Path | None:
    """The output in the folder OUT, where the kind is known before anything is built."""
    if options.emit in SUFFIXES:
        return Path(options.output) / (file.stem + SUFFIXES[options.emit])
    return Path(options.output) / (file.stem + SUFFIXES["obj"])


def _own_records(target: Target, root: Path) -> list[str]:
    """The project's target records, when `target` is one of them: it may extend any other."""
    from intent_tool.machine.target import shipped_records

    if (shipped_records() / f"{target.name}.yaml").is_file():
        return []
    return [str(path) for path in (root / "targets").resolve().glob("*.yaml")]


def _locks(options: argparse.Namespace) -> set[str]:
    """The lockfiles that are there."""
    return {str(path) for path in (lock_path(options, file).resolve() for file in options.files) if path.is_file()}


def _identifier(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in text)


def _shown(name: str) -> str:
    """A path as a Makefile next to the current folder has it: relative where it can be."""
    path = Path(name)
    here = Path().resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else name


def _rule(outputs: list[str], inputs: list[str]) -> str:
    """A Makefile rule, and an empty one for each input, so that one that is deleted is no error (as gcc -MP).

    The space that ends an empty rule is for CMake 3.20 to 3.22, which take a colon before a newline for a part of the
    name."""
    left, right = (" \\\n  ".join(_escaped(name) for name in names) for names in (outputs, inputs))
    return f"{left}: \\\n  {right}\n" + "".join(f"\n{_escaped(name)}: \n" for name in inputs)


def _escaped(name: str) -> str:
    """GNU make's escapes, as gcc -M writes them; Ninja reads the same."""
    return name.replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ")

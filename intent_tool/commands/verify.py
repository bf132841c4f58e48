"""`intent-tool verify`"""

from __future__ import annotations

import argparse
from pathlib import Path

from intent_tool.commands.common import Failed, Reply, Usage, one_target, project_root
from intent_tool.machine.target import Target

SUMMARY = "judge any object or executable, whoever made it, against an intent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("binary", type=Path, metavar="BINARY")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--symbol", metavar="S", help="the function's symbol in BINARY (default: the intent's)")
    parser.add_argument("--target", metavar="T", help="default: the simplest target of BINARY's machine")


def run(options: argparse.Namespace) -> Reply:
    from intent_tool import pipeline
    from intent_tool.contract_check import check
    from intent_tool.emit.listing import parts_json, size_text, verdict_text
    from intent_tool.language.load import load_intent

    root = project_root(options, options.file)
    binary = options.binary.read_bytes()
    contract = load_intent(options.file, root)
    symbol = options.symbol or contract.name
    target = one_target(options, root) if options.target else _target_of(binary, options.binary, symbol, root)
    check(contract)
    if options.symbol is not None and contract.signature is None:
        raise Usage(f"--symbol {options.symbol}: `{contract.name}` is a program, which has none")
    verdict = pipeline.judge(contract, target, binary, options.symbol)
    data = {"binary": str(options.binary), "intent": str(options.file), "symbol": symbol,
            "target": target.name, "accepted": verdict.accepted, "evidence": verdict.evidence,
            "problems": list(verdict.problems), "vectors": verdict.vectors, "emulators": list(verdict.emulators),
            "longest": verdict.longest, "solvers": list(verdict.solvers), "parts": parts_json(verdict),
            "instructions": verdict.instructions, "bytes": verdict.bytes, "unchecked": list(verdict.unchecked)}
    head = f"{options.binary}: {symbol} for {target.name}: "
    if verdict.accepted:
        return Reply(f"{head}keeps the contract of {options.file}: "
                     f"{verdict_text(verdict)}, "
                     f"{size_text(verdict.instructions, verdict.bytes)}"
                     + "".join(f"\nunchecked: {line}" for line in verdict.unchecked), data)
    problems = "\n".join("  " + problem for problem in verdict.problems)
    return Reply("", data, False, f"{head}does not keep the contract of {options.file}:\n{problems}")


def _target_of(binary: bytes, path: Path, symbol: str, root: Path) -> Target:
    """The first target of the ELF header's e_machine (gABI, ELF Header: two bytes at offset 18); of an archive, that
    of the member that defines the symbol."""
    from intent_tool.judge.image import archive_member
    from intent_tool.judge.refusal import Refused
    from intent_tool.machine.target import load_targets

    if binary[:8] == b"!<arch>\n":
        try:
            binary = archive_member(binary, symbol)
        except Refused as refused:
            raise Failed(f"{path}: {refused.problems[0]}") from None
    if len(binary) < 20 or binary[:6] != b"\x7fELF\x02\x01":
        raise Failed(f"{path}: is no 64-bit little-endian ELF file")
    machine = int.from_bytes(binary[18:20], "little")
    fitting = [t for t in load_targets(root).values() if t.elf.machine == machine]
    if not fitting:
        raise Failed(f"{path}: is for ELF machine {machine}, which no target has")
    return min(fitting, key=lambda t: len(t.features))

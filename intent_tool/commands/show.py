"""`intent-tool show`"""

from __future__ import annotations

import argparse
from pathlib import Path

from intent_tool.commands.common import Reply, one_target, project_root, rendered
from intent_tool.commands.finding import add_finding_arguments, asking, build, wishes

SUMMARY = "build one intent and print the listing: offsets, bytes, assembly, evidence, what was tried"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--target", required=True, metavar="T")
    add_finding_arguments(parser)


def run(options: argparse.Namespace) -> Reply:
    from intent_tool import pipeline
    from intent_tool.emit.listing import evidence_text, listing_json, listing_text, made_by, size_text, verdict_text

    root = project_root(options, options.file)
    built = build(options, options.file, one_target(options, root), wishes(options, options.file), asking(options))
    record = pipeline.record(built, str(options.file))
    verdict, candidate = built.verdict, built.candidate
    lines = [
        f"{built.contract.name} for {built.target.name}: {size_text(verdict.instructions, verdict.bytes)}"
        + (f", {record['rodata']} bytes of tables" if record["rodata"] else ""),
        f"evidence: {verdict_text(verdict)}",
        f"generator: {made_by(candidate.generator, candidate.origin, built.locked)}, {built.seconds:.2f} s",
    ]
    lines += [f"part {part.symbol}: {evidence_text(part.evidence, 0, (), part.longest, part.solvers)}, "
              f"{size_text(part.instructions, part.bytes)}" for part in verdict.parts]
    lines += [f"unchecked: {line}" for line in verdict.unchecked]
    lines += [f"refused: {r.generator}: {problem}" for r in built.refused for problem in r.problems]
    lines += ["", listing_text(built.code).rstrip()]
    if built.notes:
        lines += ["", rendered(built.notes)]
    data = {**record, **listing_json(built.code), "assembly": built.candidate.assembly.text(),
            "refused": [{"generator": r.generator, "problems": list(r.problems)} for r in built.refused]}
    return Reply("\n".join(lines), data)

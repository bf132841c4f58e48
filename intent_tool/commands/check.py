"""`intent-tool check`"""

from __future__ import annotations

import argparse
from pathlib import Path

from intent_tool.commands.common import Reply, project_root, rendered
from intent_tool.language.diagnostics import IntentError

SUMMARY = "parse and check contracts, without generating anything"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(options: argparse.Namespace) -> Reply:
    """Every file is checked, also after one that fails."""
    from intent_tool.contract_check import check
    from intent_tool.language.load import load_intent

    lines, complaints, results = [], [], []
    for file in options.files:
        try:
            contract = load_intent(file, project_root(options, file))
            notes = check(contract)
        except IntentError as failure:
            complaints.append(str(failure))
            results.append({"file": str(file), "ok": False,
                            "diagnostics": [d.to_json() for d in failure.diagnostics]})
            continue
        lines.append(f"{file}: {contract.name}: the contract holds together"
                     + (f", {len(notes)} checks stay open" if notes else ""))
        if notes:
            lines.append(rendered(notes))
        results.append({"file": str(file), "ok": True, "name": contract.name,
                        "diagnostics": [n.to_json() for n in notes]})
    return Reply("\n".join(lines), {"files": results}, not complaints, "\n".join(complaints))

"""`build/report.json`: one record per intent and target."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Record = dict[str, Any]

FIELDS = ("intent", "symbol", "kind", "target", "generator", "provider", "model", "attempts", "locked",
          "evidence", "longest", "solvers", "parts", "vectors", "emulators", "instructions", "bytes", "rodata",
          "stack", "seconds", "cached", "notes", "problems")
"""In the order in which they are written.

`provider`, `model` and `attempts` are null unless an AI provider found the code; `locked` says that it was taken
from the lockfile. `longest` is null unless the evidence is ``bounded``: then all contents of buffers up to so many
elements were covered; `solvers` had a part in the proof; `parts` are the functions inside of a program that have
contracts of their own, each with `symbol`, `evidence` and `longest`; `bytes` is the size of the code and `rodata`
that of its constant tables; `stack` is in bytes, the return address left out, and null where it is not known;
`seconds` is what the build of this record took, also when `cached` says that it happened in an earlier run; `notes`
say which checks of the contract and of the binary stayed open; `problems` says why there is no binary (then
`evidence` is ``none`` and the sizes are null)."""


def failed_record(intent: str, target: str, problems: Iterable[str], seconds: float | None = None) -> Record:
    """The record of an intent that has no binary."""
    blank: Record = dict.fromkeys(FIELDS)
    return blank | {"intent": intent, "target": target, "evidence": "none", "solvers": [], "parts": [], "vectors": 0,
                    "emulators": [],
                    "seconds": seconds, "cached": False, "notes": [], "problems": list(problems)}


def report_text(records: Iterable[Mapping[str, Any]]) -> str:
    """The report as JSON, a record a line, sorted by intent and target: made to be compared line by line."""
    ordered = sorted(records, key=lambda r: (str(r["intent"]), str(r["target"])))
    lines = ",\n".join("  " + json.dumps({name: record.get(name) for name in FIELDS}, ensure_ascii=False)
                       for record in ordered)
    return f'{{"version": 1, "records": [\n{lines}\n]}}\n'

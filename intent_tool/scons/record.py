"""Record files: everything that one build of an intent for a target came to, in one file.

The object, the executable and the header are copies out of it. So they cannot disagree, and a null build, the report
and SCons' cache need nothing else."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from intent_tool.emit.files import write_whole
from intent_tool.emit.report import Record

RECORD_SUFFIX = ".intent.json"


@dataclass(frozen=True, slots=True)
class RecordFile:
    report: Record
    """As in the report."""
    header: str
    """Empty for a program."""
    binary: bytes
    lock: str = ""
    """The lockfile's entry."""


def write_record(path: Path, content: RecordFile) -> None:
    """Raises `OSError`."""
    write_whole(path, json.dumps({"report": content.report, "header": content.header, "lock": content.lock,
                                  "binary": base64.b64encode(content.binary).decode()}))


def read_record(path: Path) -> RecordFile:
    """Raises `OSError` where there is no file, `ValueError` where it is none of ours."""
    try:
        data = json.loads(path.read_bytes())
        return RecordFile(data["report"], data["header"], base64.b64decode(data["binary"]), data["lock"])
    except (KeyError, TypeError) as failure:
        raise ValueError(f"{path}: is no record of a build") from failure

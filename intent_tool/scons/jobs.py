"""What a worker process does: one intent for one target, from request to reply, both plain JSON data.

A reply has one of the keys ``record`` (done), ``ask`` (a question that an AI provider has to answer, and ``dialog``
to go on with: whoever sent the request sends it again with that), ``problems`` (the intent or its binary is at fault:
rendered diagnostics) and ``fault`` (the tool is: an exception that nobody expected; with INTENT_TOOL_DEBUG set, its
traceback goes to standard error)."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import IntentError, error
from intent_tool.machine.target import Target
from intent_tool.scons.record import RecordFile, write_record

if TYPE_CHECKING:
    from intent_tool.pipeline import Built

Data = dict[str, Any]


def preload() -> None:
    """Load what every job needs, before the first one is there."""
    from intent_tool import pipeline

    assert pipeline


def run(request: Data) -> Data:
    """Do the job that `request["job"]` names, ``build`` or ``test``, in the folder `request["root"]`."""
    try:
        os.chdir(request["root"])
        os.environ.update(request.get("settings", {}))
        return _build(request) if request["job"] == "build" else _test(request)
    except IntentError as failure:
        return {"problems": [d.render() for d in failure.diagnostics]}
    except OSError as failure:
        return {"problems": [f"{failure.filename or request['intent']}: {failure.strerror or failure}"]}
    except Exception as failure:
        if os.environ.get("INTENT_TOOL_DEBUG"):
            traceback.print_exc()
        return {"fault": f"{type(failure).__name__}: {failure}"}


def _build(request: Data) -> Data:
    """Build ``intent`` for ``target`` as ``wishes`` say, and write ``record``. ``program`` says which kind of output
    the build graph expects, ``lock`` holds the lockfile's entry, its line and the file's name."""
    from intent_tool import pipeline
    from intent_tool.emit.lockfile import lock_with
    from intent_tool.propose.ai.dialog import Dialog

    lock = request["lock"]
    wishes = pipeline.Wishes(
        lock=lock_with(Path(lock["path"]), request["intent"], request["target"], lock["text"], lock["line"])
        if lock is not None else None, name=request["intent"], **request["wishes"])
    dialog = Dialog.from_json(request["dialog"]) if "dialog" in request else None
    built = pipeline.build(Path(request["intent"]), _target(request["root"], request["target"]),
                           Path(request["root"]), wishes, dialog)
    if isinstance(built, pipeline.Asked):
        return {"ask": asdict(built.question), "dialog": built.dialog.to_json()}
    if request["program"] != (built.contract.signature is None):
        raise _wrong_kind(built.contract)
    report = pipeline.record(built, request["intent"])
    write_record(Path(request["record"]), RecordFile(
        report, built.header or "", built.binary, _lock_entry(built, request["intent"])))
    return {"record": report, "answered": built.answered}


def _lock_entry(built: Built, intent: str) -> str:
    """Empty for an intent whose path no lockfile can hold."""
    from intent_tool import pipeline

    with contextlib.suppress(ValueError):
        return pipeline.lock_entry(built, intent)
    return ""


def _wrong_kind(contract: Contract) -> IntentError:
    if contract.signature is None:
        return error("E905", f"`{contract.name}` is a program, not a function", contract.key_spans.get("program"),
                     "build it with env.IntentProgram")
    return error("E905", f"`{contract.name}` is a function, not a program", contract.key_spans.get("signature"),
                 "build it with env.Object")


def _test(request: Data) -> Data:
    """Judge the file in ``binary`` against ``intent``, as it stands on the disk."""
    from intent_tool import pipeline
    from intent_tool.language.load import load_intent

    start = time.perf_counter()
    contract = load_intent(Path(request["intent"]), Path(request["root"]))
    verdict = pipeline.judge(contract, _target(request["root"], request["target"]),
                             Path(request["binary"]).read_bytes())
    examples = len(contract.function_examples) + len(contract.program_examples)
    return {"record": {
        "symbol": contract.name, "accepted": verdict.accepted, "problems": list(verdict.problems),
        "vectors": verdict.vectors, "examples": examples, "emulators": list(verdict.emulators),
        "seconds": round(time.perf_counter() - start, 3),
    }}


@cache
def _targets(root: str) -> dict[str, Target]:
    from intent_tool.machine.target import load_targets

    return load_targets(Path(root))


def _target(root: str, name: str) -> Target:
    return _targets(root)[name]

"""The command line, `intent-tool`.

Exit status: 0 done, 1 the intent or the binary is at fault, 2 usage, 3 the tool's own fault."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from intent_tool import __version__
from intent_tool.commands import build, check, cmake_dir, doctor, formalise, lock, new, show, targets, verify
from intent_tool.commands.common import Failed, Reply, Usage
from intent_tool.language.diagnostics import IntentError
from intent_tool.packages import PACKAGES

DONE, AT_FAULT, USAGE, OWN_FAULT = 0, 1, 2, 3

COMMANDS = (build, check, show, verify, lock, targets, new, formalise, doctor, cmake_dir)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status. Never raises for anything that a user can cause."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        options = _parser().parse_args(words)
        reply = options.run(options)
        _print(reply, as_json)
        return DONE if reply.good else AT_FAULT
    except Usage as failure:
        return _fail(as_json, USAGE, str(failure))
    except Failed as failure:
        return _fail(as_json, AT_FAULT, str(failure))
    except IntentError as failure:
        return _fail(as_json, AT_FAULT, str(failure), [d.to_json() for d in failure.diagnostics])
    except ModuleNotFoundError as failure:
        if failure.name not in PACKAGES:
            return _fault(as_json, failure)
        return _fail(as_json, AT_FAULT, f"intent-tool: the package {PACKAGES[failure.name]} is not installed\n"
                     "help: `intent-tool doctor` lists what is missing")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return AT_FAULT
    except OSError as failure:
        return _fail(as_json, AT_FAULT, f"{failure.filename or 'error'}: {failure.strerror or failure}")
    except KeyboardInterrupt:
        return 130
    except Exception as failure:
        return _fault(as_json, failure)


def _fault(as_json: bool, failure: Exception) -> int:
    if os.environ.get("INTENT_TOOL_DEBUG"):
        traceback.print_exc()
    return _fail(as_json, OWN_FAULT,
                 f"intent-tool: this is a fault of the tool, not yours: {type(failure).__name__}: {failure}\n"
                 "help: set INTENT_TOOL_DEBUG=1 to see where, and report it")


def _print(reply: Reply, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ok": reply.good, **reply.data}, indent=2, ensure_ascii=False))
        return
    if reply.text:
        print(reply.text)
    sys.stdout.flush()
    if reply.complaints:
        print(reply.complaints, file=sys.stderr)


def _fail(as_json: bool, status: int, message: str, diagnostics: Sequence[Any] = ()) -> int:
    if as_json:
        kinds = {AT_FAULT: "fault", USAGE: "usage", OWN_FAULT: "internal"}
        plain = {"severity": "error", "code": kinds[status], "message": message, "place": None, "help": None}
        print(json.dumps({"ok": False, "status": status, "diagnostics": list(diagnostics) or [plain]}, indent=2,
                         ensure_ascii=False))
    else:
        sys.stdout.flush()
        print(message, file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """`argparse` that reports through `Usage`, so that `--json` holds for usage errors too."""

    def error(self, message: str) -> NoReturn:
        raise Usage(f"{self.prog}: {message}\nhelp: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="intent-tool", description="Machine code for .intent contracts.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"intent-tool {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in COMMANDS:
        summary = module.SUMMARY
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        command.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
        command.add_argument("--root", type=Path, metavar="FOLDER",
                             help="the project's folder: intents are used from inside it, and its targets/ counts "
                                  "(default: the nearest folder upwards that holds SConstruct, else the current one)")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser

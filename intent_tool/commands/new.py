"""`intent-tool new`"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from intent_tool.commands.common import Failed, Reply, Usage, project_root
from intent_tool.emit.files import write_whole

SUMMARY = "write a starter file to fill in"

STARTER = """\
# What is wanted, in plain words: a person reviews it against the contract below.
intent: The larger of two unsigned 32-bit integers.
# The C prototype that callers link against.
signature: uint32_t {name}(uint32_t a, uint32_t b)
# The result. Integers have no width here: `u32(a + b)` wraps, and `a + b` alone would have to fit the result's type.
returns: max(a, b)
# Checked against the contract before any code is made, and again on the code.
examples:
  - {name}(3, 7) == 7
  - {name}(0xFFFFFFFF, 0) == 0xFFFFFFFF
"""

PROGRAM = """\
# What is wanted, in plain words: a person reviews it against the contract below.
intent: Greet the world.
# The executable's name.
program: {name}
stdout: b"Hello, world!\\n"
examples:
  - stdout: "Hello, world!\\n"
"""

SCONS_TOOL = """\
# Environment(tools=["default", "intent"]) finds the tool by this file's name.
from intent_tool import exists, generate
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the function's name; NAME.intent is written")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--program", action="store_true", help="a program instead of a function")
    kinds.add_argument("--scons", action="store_true",
                       help="instead of an intent, the file site_scons/site_tools/intent.py in the project's folder, "
                            'by which Environment(tools=["default", "intent"]) finds the tool')


def run(options: argparse.Namespace) -> Reply:
    if options.scons == (options.name is not None):
        raise Usage("intent-tool new: NAME, or --scons without a NAME\nhelp: intent-tool new --help")
    return _scons_tool(project_root(options)) if options.scons else _intent(options)


def _scons_tool(root: Path) -> Reply:
    path = root / "site_scons" / "site_tools" / "intent.py"
    data = {"file": str(path)}
    if path.exists() or path.is_symlink():
        if not path.is_file() or path.read_bytes() != SCONS_TOOL.encode():
            raise Failed(f"{path}: is there already, differs from what would be written, and stays as it is")
        return Reply(f"{path}: is there already", data)
    write_whole(path, SCONS_TOOL)
    return Reply(f'{path}: written\nnext: env = Environment(tools=["default", "intent"])', data)


def _intent(options: argparse.Namespace) -> Reply:
    path = Path(options.name if options.name.endswith(".intent") else options.name + ".intent")
    name = path.name.removesuffix(".intent")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise Usage(f"{name}: a name is letters, digits and underscores, and starts with a letter")
    if path.exists() or path.is_symlink():
        raise Failed(f"{path}: is there already, and stays as it is")
    write_whole(path, (PROGRAM if options.program else STARTER).format(name=name))
    return Reply(f"{path}: written\nnext: intent-tool check {path}", {"file": str(path)})

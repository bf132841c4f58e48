"""`intent-tool cmake-dir`"""

from __future__ import annotations

import argparse
from pathlib import Path

import intent_tool
from intent_tool.commands.common import Reply

SUMMARY = "print the folder of the CMake package, for -DIntentTool_DIR"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None but the common ones."""


def run(options: argparse.Namespace) -> Reply:
    folder = str(Path(intent_tool.__file__).resolve().parent / "cmake")
    return Reply(folder, {"folder": folder})

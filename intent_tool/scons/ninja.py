"""SCons' `ninja` tool writes a build.ninja from the build graph, and cannot run Python functions: what our actions do
becomes a command of `intent-tool` there."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from intent_tool.emit.lockfile import LOCK
from intent_tool.scons.outline import with_used


def register(output: Any, write: str, others: tuple[str, ...], target: str, options: list[str], root: Path
             ) -> bool:
    """Tell the `ninja` tool, where this run has it, how to make the object or executable `output`, and what is made
    along with it. `write` and `others` are the names of the functions that do so otherwise, `options` those of
    `intent-tool build`. Whether it has it."""
    tool = sys.modules.get("SCons.Tool.ninja_tool")
    state = getattr(tool, "NINJA_STATE", None)
    if tool is None or state is None:
        return False

    def edge(env: Any, node: Any) -> dict[str, Any]:
        return _edge(node, target, options, root)

    def replace(env: Any, node: Any, build: dict[str, Any]) -> None:
        made = {"order_only": build["order_only"], **edge(env, node)}
        build.clear()
        build.update(made)

    handlers = state.env[tool.NINJA_CUSTOM_HANDLERS]
    handlers[write] = edge
    for name in others:
        handlers[name] = lambda env, node: None
    output.attributes.ninja_build_callback = replace
    return True


def _edge(node: Any, target: str, options: list[str], root: Path) -> dict[str, Any]:
    """The first binary that is taken out of a record is built, and the header with it; another one is a copy."""
    record = node.attributes.intent_record
    header = [str(file) for file in record.attributes.intent_files if str(file).endswith(".h")]
    first, *_ = [str(file) for file in record.attributes.intent_files if str(file) not in header]
    if str(node) != first:
        return {"rule": "GENERATED_CMD", "outputs": [str(node)], "inputs": [first],
                "variables": {"cmd": _command(["cp", first, str(node)]), "env": ""}}
    intent = str(record.sources[0].srcnode())
    words = [sys.executable, "-m", "intent_tool", "build", intent, "--target", target, *options, "-o", first,
             *(["--header", header[0]] if header else [])]
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    # Under the `ninja` tool scanners find nothing.
    used = with_used(root, intent)[1:]
    records = [str(file) for file in sorted((root / "targets").glob("*.yaml"))]
    records += [LOCK] if (root / LOCK).is_file() else []
    return {"rule": "GENERATED_CMD", "outputs": [first, *header], "inputs": [intent], "implicit": used + records,
            "variables": {"cmd": _command(words), "env": f"PYTHONPATH={shlex.quote(path)} ".replace("$", "$$")}}


def _command(words: list[str]) -> str:
    return shlex.join(words).replace("$", "$$")

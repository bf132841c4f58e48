"""An intent without a formula, as a contract: what a formula is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import error
from intent_tool.language.document import decode, parse_document
from intent_tool.language.load import load_text


def bare_contract(path: Path, data: bytes, root: Path) -> Contract:
    """The intent as it is, without a formula. Raises `IntentError`, E961 when it is nothing to formalise."""
    source = decode(data, str(path))
    top = parse_document(source)
    keys = {entry.key.value: entry.key.span for entry in top.entries}
    if "program" in keys:
        raise error("E961", "this is a program; only functions are formalised for now", keys["program"],
                    "say in `stdout`, `stderr` and `exit` what it prints")
    if top.flow or not top.entries:
        raise error("E961", "the file is one `{…}`, into which nothing can be inserted", top.span,
                    "write each key on a line of its own")
    formula = next((keys[key] for key in ("returns", "ensures", "writes") if key in keys), None)
    if formula is not None:
        raise error("E961", "the intent has a formula already; there is nothing to formalise", formula,
                    "delete it to have another one proposed")
    if "examples" in keys:
        return load_text(source.text, str(path), root)
    joint = "" if source.text.endswith("\n") else "\n"
    # Without examples it says nothing yet, which the loader refuses.
    indent = " " * (top.entries[0].key.span.column - 1)
    text = _with_no_examples(source.text + joint, indent)
    return replace(load_text(text, str(path), root), source=source)


def _with_no_examples(text: str, indent: str) -> str:
    """`text` with an empty list of examples, ahead of a mark that ends the document."""
    lines = text.splitlines(keepends=True)
    end = next((i for i, line in enumerate(lines) if i and line.rstrip() == "..."), len(lines))
    return "".join([*lines[:end], f"{indent}examples: []\n", *lines[end:]])

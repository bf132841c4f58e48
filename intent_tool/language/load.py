"""Loads `.intent` files, and the files they use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from intent_tool.language import document
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Diagnostic, IntentError, Source, Span, error
from intent_tool.language.document import MAX_BYTES, Scalar, Value, decode, parse_document, source_of
from intent_tool.language.keys import build_contract

MAX_USED_FILES = 200
MAX_USED_DEPTH = 32


def load_intent(path: Path, root: Path | None = None) -> Contract:
    """The contract in the file `path`. Files that it uses must lie under `root`, by default the nearest folder
    upward that holds `SConstruct`, else the file's own. Raises `IntentError`."""
    full = Path(os.path.abspath(path))
    folder = root if root is not None else project_root(full)
    return _Loader(folder.resolve()).load(full, str(path), ())


def load_text(text: str, path: str = "<text>", root: Path | None = None) -> Contract:
    """The contract in `text`; its `uses` are found from the folder of `path`, or from `root`."""
    source = source_of(text, path)
    folder = Path(os.path.abspath(path)).parent if path != "<text>" else root
    if folder is None:
        return build_contract(parse_document(source), source, _no_uses, None)
    top = (root if root is not None else project_root(folder / "x")).resolve()
    return _Loader(top).parse(source, folder, None, ())


def project_root(path: Path) -> Path:
    """The nearest folder above the file `path` that holds `SConstruct`; else the file's folder."""
    return next((f for f in path.parents if (f / "SConstruct").exists()), path.parent)


def key_text(contract: Contract, key: str) -> str | None:
    """The lines of the file that a key of the top level takes, as written; None when it is absent."""
    span = contract.key_spans.get(key)
    if span is None:
        return None
    lines = contract.source.text.split("\n")
    last = span.line
    while last < len(lines) and (not lines[last].strip() or lines[last][0] in " -#\t"):
        last += 1
    body = lines[span.line - 1:last]
    while body and (not body[-1].strip() or body[-1].startswith("#")):
        body.pop()
    return "\n".join(body)


def _no_uses(value: Value) -> Mapping[str, Contract]:
    raise error("E601", "a text without a file cannot use other files", value.span, "give the folder of the project")


class _Loader:
    """Files are loaded once, however often they are used."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.loaded: dict[Path, Contract] = {}
        self.failed: set[Path] = set()

    def load(self, path: Path, shown: str, chain: tuple[tuple[Path, str], ...]) -> Contract:
        source = decode(_read(path, shown), shown)
        contract = self.parse(source, path.parent, path, chain)
        self.loaded[path.resolve()] = contract
        return contract

    def parse(self, source: Source, folder: Path, path: Path | None, chain: tuple[tuple[Path, str], ...]) -> Contract:
        here = (*chain, (path.resolve(), source.path)) if path is not None else chain
        return build_contract(parse_document(source), source, lambda value: self.uses(value, source, folder, here),
                              str(path) if path is not None else None)

    def uses(self, value: Value, source: Source, folder: Path, chain: tuple[tuple[Path, str], ...]
             ) -> Mapping[str, Contract]:
        if not isinstance(value, document.Sequence):
            raise error("E408", "`uses` is a list", value.span, "write `uses:` and below it `- other.intent`")
        found: dict[str, Contract] = {}
        problems: list[Diagnostic] = []
        for item in value.items:
            try:
                contract = self.use(item, source, folder, chain)
                if contract.name in found:
                    raise error("E606", f"`{contract.name}` is defined by two used files", item.span)
                found[contract.name] = contract
            except IntentError as problem:
                problems.extend(problem.diagnostics)
        if problems:
            raise IntentError(*problems)
        return found

    def use(self, item: Value, source: Source, folder: Path, chain: tuple[tuple[Path, str], ...]) -> Contract:
        if not isinstance(item, Scalar) or not item.value.strip():
            raise error("E601", "an item of `uses` is the path of a file", item.span)
        target = self.resolve(item.value, item.span, folder)
        cycle = [shown for path, shown in chain[[p for p, _ in chain].index(target):]] if target in [
            p for p, _ in chain] else []
        shown = os.path.normpath(os.path.join(os.path.dirname(source.path), item.value))
        if cycle:
            names = " → ".join([*cycle, cycle[0]])
            raise error("E604", f"intent files use each other in a circle: {names}", item.span)
        if target in self.loaded:
            contract = self.loaded[target]
        else:
            if len(self.loaded) >= MAX_USED_FILES or len(chain) >= MAX_USED_DEPTH:
                raise error("E601", f"more than {MAX_USED_FILES} used files, or more than {MAX_USED_DEPTH} that use "
                            "one another", item.span)
            try:
                # What is wrong with a file is said once, however many files use it.
                contract = self.load(target, shown, chain) if target not in self.failed else _already_failed()
            except IntentError as problem:
                self.failed.add(target)
                if any(d.code == "E604" for d in problem.diagnostics):
                    raise
                raise IntentError(*problem.diagnostics, Diagnostic(
                    "E607", f"`{item.value}`, which is used here, has errors", item.span)) from None
        _check_callable(contract, item.span)
        return contract

    def resolve(self, written: str, span: Span, folder: Path) -> Path:
        """The file that is meant, checked to lie in the project with every symbolic link followed."""
        if os.path.isabs(written) or written[1:2] == ":":
            raise error("E602", f"`{written}` is absolute", span, "write the path relative to this file")
        if "\\" in written:
            raise error("E602", "paths are written with `/`", span, f"write `{written.replace(chr(92), '/')}`")
        lexical = Path(os.path.normpath(folder.resolve() / written))
        if not lexical.is_relative_to(self.root):
            raise error("E602", f"`{written}` lies outside the project {self.root}", span,
                        "the project is the folder that holds `SConstruct`, or --root")
        try:
            target = (folder / written).resolve(strict=True)
        except (OSError, RuntimeError):
            raise error("E603", f"there is no file `{written}`", span,
                        f"it would be {lexical}; paths are relative to this file") from None
        if not target.is_relative_to(self.root):
            raise error("E602", f"`{written}` is a symbolic link out of the project", span, f"it points to {target}")
        return target


def _already_failed() -> Contract:
    raise IntentError()


def _check_callable(contract: Contract, span: Span) -> None:
    signature = contract.signature
    if signature is None:
        raise error("E605", f"`{contract.name}` is a program and cannot be called", span)
    if signature.result is None or any(p.buffer and p.buffer.writable for p in signature.parameters):
        raise error("E605", f"`{contract.name}` writes to memory and cannot be called in an expression", span)
    if contract.returns is None:
        raise error("E605", f"`{contract.name}` has no `returns`, so its value is not known", span,
                    "add `returns` to that file")


def _read(path: Path, shown: str) -> bytes:
    try:
        if not path.is_file():
            raise error("E100", f"{shown}: {'not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        raise error("E100", f"{shown}: {getattr(problem, 'strerror', None) or problem}") from None

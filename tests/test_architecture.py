"""Imports go one way: language ← machine ← propose ← emit, pipeline and the faces; the judge stands apart."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "intent_tool"

FACES = ("pipeline", "contract_check", "contract_trial", "cli", "commands", "scons", "packages", "ask", "formalise",
         "__init__", "__main__")
ALLOWED = {
    "language": ("language",),
    "machine": ("language", "machine"),
    "propose": ("language", "machine", "propose"),
    # Whoever proposed the code: the judge knows contract, target and bytes.
    "judge": ("language", "judge", "machine.target"),
    "emit": ("language", "machine", "propose", "judge", "emit"),
    **dict.fromkeys(FACES, ("language", "machine", "propose", "judge", "emit", *FACES)),
}
HEAVY = ("keystone", "capstone", "unicorn", "lief", "pycparser", "z3", "bitwuzla", "pypcode", "numpy", "hypothesis",
         "requests")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module, relative to the package, of every import of it anywhere in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            # `from intent_tool.machine import target` imports the module intent_tool.machine.target.
            for name in names:
                folder = PACKAGE.parent / name.replace(".", "/")
                is_module = folder.is_dir() or folder.with_suffix(".py").is_file()
                yield node.lineno, name if is_module else str(node.module)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def is_allowed(part: str, name: str) -> bool:
    return any(name == allowed or name.startswith(allowed + ".") for allowed in ALLOWED[part])


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_with_the_arrow(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert part in ALLOWED, f"{path} belongs to no part of the design"
    for line, name in imports(path):
        head, _, rest = name.partition(".")
        if head == "intent_tool" and rest and rest != "__version__":
            assert is_allowed(part, rest), f"{path}:{line}: {part} must not import {name}"


def closure(start: Path) -> set[str]:
    """The package's modules that a module leads to, relative to the package."""
    found: set[str] = set()
    stack = [start]
    while stack:
        for _, name in imports(stack.pop()):
            head, _, rest = name.partition(".")
            path = (PACKAGE / rest.replace(".", "/")).with_suffix(".py")
            if head == "intent_tool" and rest not in found and path.is_file():
                found.add(rest)
                stack.append(path)
    return found


@pytest.mark.parametrize("path", sorted((PACKAGE / "judge").glob("*.py")), ids=lambda p: p.name)
def test_the_judge_reads_contracts_by_itself(path: Path) -> None:
    """Code is generated from terms and facts; the judge must not fall for a mistake in those."""
    generators = ("language.terms", "language.facts", "language.elaborate")
    assert not [name for name in closure(path) if name.startswith(generators)]


def test_the_rule_itself_refuses_what_it_should() -> None:
    assert not is_allowed("judge", "propose")
    assert not is_allowed("judge", "propose.candidate")
    assert not is_allowed("judge", "machine.assembler")
    assert is_allowed("judge", "machine.target")
    assert not is_allowed("language", "machine.target")
    assert not is_allowed("propose", "judge.verdict")
    assert not is_allowed("emit", "pipeline")


@pytest.mark.parametrize("module", ["intent_tool", "intent_tool.cli", "intent_tool.scons.worker",
                                    "intent_tool.scons.session", "intent_tool.scons.outline",
                                    "intent_tool.scons.digest", "intent_tool.packages"])
def test_nothing_heavy_is_loaded_before_it_is_needed(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(n for n in {HEAVY!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

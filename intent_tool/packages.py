"""The packages that a build needs, and whether they are there. Imports none of them."""

from __future__ import annotations

from importlib.util import find_spec

PACKAGES = {
    "keystone": "keystone-engine",
    "capstone": "capstone",
    "lief": "lief",
    "unicorn": "unicorn",
    "pypcode": "pypcode",
    "bitwuzla": "bitwuzla",
    "z3": "z3-solver",
    "numpy": "numpy",
    "yaml": "PyYAML",
    "pycparser": "pycparser",
    "requests": "requests",
}
"""What is imported, and the name under which pip installs it."""

PURPOSES = {
    "keystone-engine": "assembles x86-64 and ARM64",
    "capstone": "disassembles what was assembled, to compare",
    "lief": "reads back every file that is written",
    "unicorn": "runs the code where qemu-user is missing",
    "pypcode": "says what instructions do, for proofs",
    "bitwuzla": "decides most proofs",
    "z3-solver": "decides proofs about division",
    "numpy": "tries all inputs of small functions",
    "PyYAML": "reads intents and targets",
    "pycparser": "reads C prototypes",
    "requests": "asks an AI provider, where one is set up",
    "scons": "builds projects; intent-tool alone works without it",
}
"""By pip's names."""


def missing_packages() -> tuple[str, ...]:
    """pip's names of those that are not installed."""
    return tuple(name for module, name in PACKAGES.items() if find_spec(module) is None)

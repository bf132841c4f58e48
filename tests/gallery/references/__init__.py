"""Independent implementations of the gallery's functions: one module for each folder of `intents/`.

Every public function of a module stands for the intent of the same name. It takes the parameters in order; a
buffer comes as a list, and a writable one is changed in place, as the C function does. Each is written in another
way than its contract (digit strings, loops, a library), so that a slip in one is not repeated in the other. Those of
`programs` take arguments and standard input, and stand for programs that no tool of the system does the same as.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

Reference = Callable[..., Any]


def functions_of(module: ModuleType) -> dict[str, Reference]:
    """The public functions that the module itself defines, by name."""
    return {name: value for name, value in vars(module).items()
            if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == module.__name__}


MODULES: dict[str, ModuleType] = {
    found.name: importlib.import_module(f"{__name__}.{found.name}")
    for found in pkgutil.iter_modules(__path__) if found.name != "helpers"}
"""The modules by the name of their folder in `intents/`."""

REFERENCES: dict[str, Reference] = {
    name: function for module in MODULES.values() for name, function in functions_of(module).items()}

"""intent_tool: an SCons tool that turns `.intent` contracts into tested machine code.

In an SConstruct: ``env = Environment(tools=["default", intent_tool.generate])``, then
``env.Program("app", ["main.c", "average_floor.intent"])``. From a shell: ``intent-tool --help``.

Importing this package loads neither SCons nor any library that a build needs."""

from __future__ import annotations

from typing import Any

__all__ = ["exists", "generate"]

__version__ = "0.1.0"


def generate(env: Any, **_: Any) -> None:
    """Add the builders to the SCons environment `env`, as SCons asks of a tool."""
    from intent_tool.scons import tool

    tool.generate(env)


def exists(env: Any) -> bool:
    """Whether everything that the tool needs is installed, as SCons asks of a tool."""
    from intent_tool.packages import missing_packages

    return not missing_packages()

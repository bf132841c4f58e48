"""Fixtures."""

from scons_project import project

__all__ = ["project"]

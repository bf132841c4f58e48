"""`intent-tool targets`"""

from __future__ import annotations

import argparse

from intent_tool.commands.common import Reply, project_root

SUMMARY = "list the known targets, the project's own included"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None but the common ones."""


def run(options: argparse.Namespace) -> Reply:
    from intent_tool.machine.target import load_targets

    known = load_targets(project_root(options))
    width = max(len(name) for name in known)
    lines = [f"{t.name:{width}}  {t.summary}" + (f" (also {', '.join(t.aliases)})" if t.aliases else "")
             for t in known.values()]
    data = [{"name": t.name, "aliases": list(t.aliases), "summary": t.summary, "isa": t.isa, "triple": t.triple,
             "features": sorted(t.features), "runner": list(t.runner), "digest": t.digest} for t in known.values()]
    return Reply("\n".join(lines), {"targets": data})

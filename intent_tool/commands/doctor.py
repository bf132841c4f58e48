"""`intent-tool doctor`"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from importlib import metadata

from intent_tool.commands.common import Reply, project_root
from intent_tool.language.diagnostics import IntentError
from intent_tool.packages import PURPOSES, missing_packages
from intent_tool.propose.ai.provider import SETUP, is_configured, provider_from

SUMMARY = "say what is installed and what is missing"

def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None but the common ones."""


def run(options: argparse.Namespace) -> Reply:
    """Missing packages are a fault; missing emulators are not, since unicorn stands in for most of them."""
    checks = [_python(), *(_package(name, purpose) for name, purpose in PURPOSES.items())]
    checks += [_runner(name) for name in _runners(options)]
    width = max(len(c["name"]) for c in checks)
    marks = {"installed": "ok     ", "missing": "MISSING", "absent": "absent "}
    lines = [f"{marks[c['state']]}  {c['name']:{width}}  {c['version'] or c['purpose']}" for c in checks]
    advice = []
    if any(c["state"] == "missing" for c in checks):
        advice.append("pip install " + " ".join(c["name"] for c in checks if c["state"] == "missing"))
    if any(c["state"] == "absent" for c in checks):
        advice.append("sudo apt-get install qemu-user")
    lines.append(f"AI provider: {_provider()}")
    lines += [f"help: {line}" for line in advice] or ["everything is there"]
    good = all(c["state"] != "missing" for c in checks)
    return Reply("\n".join(lines), {"checks": checks, "provider": _provider(), "help": advice}, good)


def _provider() -> str:
    """What is set up, without the key. Nobody is asked."""
    if not is_configured(os.environ):
        return f"none, which is fine; to have one, {SETUP}"
    try:
        found = provider_from(os.environ)
    except IntentError as failure:
        return failure.diagnostics[0].message
    key = "with a key" if found.key else "without a key"
    model = found.model or "the one model that it has"
    return f"{found.name} at {found.base_url} ({found.api}), {model}, {key}"


def _runners(options: argparse.Namespace) -> list[str]:
    """The emulators that the targets name; none where the packages that read the targets are missing."""
    if "PyYAML" in missing_packages():
        return []
    from intent_tool.machine.target import load_targets

    return sorted({t.runner[0] for t in load_targets(project_root(options)).values() if t.runner})


def _python() -> dict[str, str]:
    return {"name": "python", "state": "installed", "purpose": "runs the tool", "version": sys.version.split()[0]}


def _package(name: str, purpose: str) -> dict[str, str]:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return {"name": name, "state": "missing", "purpose": purpose, "version": ""}
    return {"name": name, "state": "installed", "purpose": purpose, "version": version}


def _runner(name: str) -> dict[str, str]:
    """An emulator counts as installed when it starts."""
    purpose = "runs the code of its target, millions of inputs a second"
    version = ""
    if shutil.which(name):
        try:
            done = subprocess.run([name, "--version"], capture_output=True, text=True, timeout=20, check=True)
            version = done.stdout.split("\n", 1)[0]
        except (OSError, subprocess.SubprocessError):
            version = ""
    return {"name": name, "state": "installed" if version else "absent", "purpose": purpose, "version": version}

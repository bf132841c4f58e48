"""How long the gallery takes, and how much memory: `python tests/bench/bench.py [TARGET]`, from a clean copy of the
project in a temporary folder. Prints a table; nothing here passes or fails.

CPU seconds are those of SCons and of every process that it starts; the peak is the largest resident set of a
single process among them."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def measure(project: Path, *arguments: str) -> tuple[float, float, float]:
    """Run SCons in a child of its own: wall seconds, CPU seconds, peak memory in MiB."""
    read, write = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        command = [sys.executable, "-m", "SCons", "-s", *arguments]
        # Nothing is proved before the first run.
        environment = {**os.environ, "PYTHONPATH": str(project), "INTENT_PROOFS": str(project.parent / "proofs")}
        done = subprocess.run(command, cwd=project, env=environment, check=False)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(write, json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]).encode())
        os._exit(done.returncode)
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - start
    cpu, peak = json.loads(os.read(read, 1000))
    os.close(read)
    os.close(write)
    if status != 0:
        raise SystemExit(f"scons {' '.join(arguments)} failed")
    return seconds, cpu, peak


def main() -> None:
    target = sys.argv[1] if len(sys.argv) > 1 else "arm64"
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        for name in ("intent_tool", "intents", "targets"):
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "SConstruct", project)
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(project / "intent_tool")], check=True)
        changed = sorted((project / "intents").rglob("*.intent"))[0]
        rows = [("cold", measure(project, f"target={target}")), ("null build", measure(project, f"target={target}"))]
        records = json.loads((project / "build/report.json").read_text())["records"]
        changed.write_text(changed.read_text() + "# changed\n")
        rows.append((f"{changed.stem} changed", measure(project, f"target={target}")))
        rows.append(("test", measure(project, f"target={target}", "test")))
    print(f"{len(records)} intents for {target}, {os.cpu_count()} processors\n")
    print(f"{'':30} {'wall s':>8} {'CPU s':>8} {'CPU s/intent':>13} {'peak MiB':>9}")
    for name, (seconds, cpu, peak) in rows:
        print(f"{name:30} {seconds:8.2f} {cpu:8.2f} {cpu / len(records):13.3f} {peak:9.0f}")


if __name__ == "__main__":
    main()

"""`scons target=…` in a project of intents: everything under `intents/` goes into `build/<target>/`."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import SCons.CacheDir
import SCons.Errors
import SCons.Script
import SCons.Util

from intent_tool.emit.files import write_whole
from intent_tool.emit.lockfile import LOCK
from intent_tool.language.diagnostics import IntentError, error
from intent_tool.machine.target import Target, select_targets
from intent_tool.propose.ai.provider import GENERATORS
from intent_tool.scons.cache import RecordCache, cache_folder
from intent_tool.scons.digest import tool_digest
from intent_tool.scons.outline import outline, with_used
from intent_tool.scons.session import session
from intent_tool.scons.snapshot import Snapshot, read_snapshot
from intent_tool.scons.tool import PythonAction, generate
from intent_tool.scons.variables import (
    EVIDENCE_LEVELS,
    LOCK_MODES,
    host_target,
    known_targets,
    require_packages,
    use_executor,
    use_lock,
)

SNAPSHOT = ".snapshot.json"
"""In the build folder: what is up to date there."""
VARIABLES = ("target", "evidence", "generator", "lock", "locked", "executor", "cache")


def gallery(arguments: dict[str, str], goals: list[str], intents: str = "intents", build: str = "build") -> None:
    """Declare the whole project: `arguments` are SCons' ``ARGUMENTS``, `goals` its ``COMMAND_LINE_TARGETS``.

    Stops SCons with exit status 2 and a message when a variable or a target's name is not known."""
    # Nothing here needs the tools of the default environment, which take a tenth of a second to find.
    SCons.Script.DefaultEnvironment(tools=[])
    require_packages()
    SCons.Script.SetOption("no_progress", True)
    try:
        _refuse_unknown(arguments)
        session().use_generator(arguments.get("generator", "auto"))
        known = known_targets()
        targets = select_targets(arguments.get("target", host_target()), known)
        cache = cache_folder(arguments["cache"]) if "cache" in arguments else None
    except IntentError as failure:
        sys.stderr.write(f"{failure}\n")
        SCons.Script.Exit(2)
    SCons.Script.Help(_help(known, intents, build), append=True)
    session().report = f"{build}/report.json"
    use_lock(arguments.get("lock", ""))
    testing = "test" in goals
    use_executor(arguments.get("executor", ""))
    # The jobs of `scons -c` remove folders under each other's feet.
    SCons.Script.SetOption("num_jobs", 1 if session().clean else session().jobs)
    base = SCons.Script.Environment(
        tools=[generate], INTENT_TARGET=targets[0].name, INTENT_EVIDENCE=arguments.get("evidence", "tested"))
    if cache is not None:
        base.CacheDir(_literal(cache), RecordCache)
    wanted = [arguments.get(name, usual) for name, usual in (("evidence", "tested"), ("generator", "auto"),
                                                             ("locked", "0"))]
    snapshot = session().snapshot = read_snapshot(session().root, session().root / build / SNAPSHOT, {
        t.name: " ".join([tool_digest(), t.digest, *wanted, _lock_digest()]) for t in targets})
    is_whole = testing or bool(session().lock_mode) or session().clean or bool(set(goals) - {"intents"}) \
        or not _has_memory()
    paths = sorted(_intents_below(intents))
    everything = []
    for target in targets:
        env = base.Clone(INTENT_TARGET=target.name)
        changed = [path for path in paths if is_whole or not _is_unchanged(snapshot, target, path)]
        built = _declare(env, target, changed, Path(intents), Path(build) / target.name, snapshot)
        everything += built
        if testing:
            _declare_tests(env, target, built, f"{build}/{target.name}/junit.xml")
    if not everything and not session().unchanged:
        sys.stderr.write(f"{intents}/: there is no .intent file for {', '.join(t.name for t in targets)}\n")
    SCons.Script.Default(SCons.Script.Alias("intents", everything))
    if session().clean and not session().dry and not set(goals) - {"intents", "test"}:
        _remove_folders([Path(build) / target.name for target in targets])


def _lock_digest() -> str:
    """Of the whole lockfile, as anything in it may say what a binary has to be."""
    try:
        return hashlib.sha256((session().root / LOCK).read_bytes()).hexdigest()
    except OSError:
        return "no lock"


def _refuse_unknown(arguments: dict[str, str]) -> None:
    for name, value in arguments.items():
        if name not in VARIABLES:
            raise error("E910", f"`{name}={value}`: there is no variable `{name}`",
                        help=f"there are {', '.join(VARIABLES)}; scons -h says more")
    if arguments.get("evidence", "tested") not in EVIDENCE_LEVELS:
        raise error("E911", f"`evidence={arguments['evidence']}`: there is no such level",
                    help=f"it is one of {', '.join(EVIDENCE_LEVELS)}")
    for name, known in (("generator", GENERATORS), ("lock", LOCK_MODES), ("locked", ("0", "1"))):
        if name in arguments and arguments[name] not in known:
            raise error("E923", f"`{name}={arguments[name]}`: there is no such choice",
                        help=f"it is one of {', '.join(known)}")
    if arguments.get("locked") == "1" and "lock" in arguments:
        raise error("E923", "`locked=1` takes what is locked, and `lock=` writes it: one of them has to go")


def _intents_below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (os.path.join(place, name) for name in files if name.endswith(".intent"))


def _has_memory() -> bool:
    """Whether SCons remembers earlier builds. Who removes that wants everything to be looked at."""
    return (session().root / ".sconsign.dblite").exists()


def _is_unchanged(snapshot: Snapshot, target: Target, path: str) -> bool:
    is_unchanged = snapshot.is_unchanged(target.name, path)
    if is_unchanged:
        session().unchanged[target.name, path] = snapshot.entries[target.name][path]
    return is_unchanged


def _declare(env: Any, target: Target, paths: list[str], intents: Path, build: Path, snapshot: Snapshot
             ) -> list[Any]:
    """The object, header or executable of every one of the intents that is for `target`."""
    built: list[Any] = []
    for path in map(Path, paths):
        if not path.is_file():
            continue
        said = outline(path.read_text("utf-8", "replace"))
        if said.targets is not None and {target.name, *target.aliases}.isdisjoint(said.targets):
            continue
        snapshot.begin(target.name, str(path), with_used(session().root, str(path)) if said.uses else [str(path)])
        folder = build / path.relative_to(intents).parent
        if said.program is None:
            built += env.StaticObject(_literal(folder / f"{path.stem}.o"), _literal(path))
            built.append(env.File(_literal(folder / f"{path.stem}.h")))
        else:
            built += env.IntentProgram(_literal(folder / _file_name(said.program, path)), _literal(path))
    return built


def _literal(path: Path | str) -> str:
    """The path as SCons takes it, which reads `$` as the start of a variable."""
    return str(path).replace("$", "$$")


def _file_name(program: str, path: Path) -> str:
    """The program's name where it can name a file; else building the intent says what is wrong with it."""
    return program if program.replace("-", "").replace("_", "").replace(".", "").isalnum() else path.stem


def _declare_tests(env: Any, target: Target, built: list[Any], junit: str) -> None:
    """A test of every built file, which always runs, and the JUnit file, which fails when one of them did."""
    tests = [env.IntentTest(_literal(f"{node}.test.json"), node) for node in built if node.get_suffix() != ".h"]
    xml = env.Command(junit, tests, PythonAction(_write_junit, lambda *_: b"intent junit", "would write {target}"))
    env.AlwaysBuild(tests, xml)
    env.Depends(xml, built)
    env.Alias("test", xml)
    session().junit[target.name] = junit


def _write_junit(target: Any, source: Any, env: Any) -> Any:
    name = env["INTENT_TARGET"]
    write_whole(Path(target[0].abspath), session().junit_of(name))
    items = [item for item in session().items.values() if item.target == name]
    bad = [item.stem for item in items if item.test is None or not item.test["accepted"]]
    if not bad:
        return 0
    return SCons.Errors.BuildError(node=target, errstr=f"{len(bad)} of {len(items)} tests failed: {', '.join(bad)}")


def _remove_folders(folders: list[Path]) -> None:
    """`scons -c` without goals: the folder of each target goes, with whatever earlier versions of the project left
    there. SCons, which would remove file by file, then finds nothing to do."""
    for folder in folders:
        if folder.is_dir():
            print(f"removed {folder}")
            shutil.rmtree(folder)


def _help(known: dict[str, Target], intents: str, build: str) -> str:
    width = max(len(target.name) for target in known.values())
    lines = [f"  {t.name:{width}}  {t.summary}" + (f" (also {', '.join(t.aliases)})" if t.aliases else "")
             for t in known.values()]
    return f"""
scons [target=NAME[,NAME…]|all] [evidence=LEVEL] [generator=WHO] [lock=update|renew] [locked=1]
      [executor=dask://HOST:PORT] [cache=DIR] [test]

Finds machine code for every .intent file under {intents}/ and writes it to {build}/<target>/: an object file and a
C header for a function, an executable for a program. {build}/report.json says what is known about each of them.

  target=…    which targets to build for, {host_target()} (this machine) when left out:

{chr(10).join("  " + line for line in lines)}

  evidence=…  the least that is good enough: {', '.join(EVIDENCE_LEVELS)} (in this order; tested when left out)
  generator=… who finds code that is not locked: auto (this tool, and an AI provider, if one is set up, for what it
              cannot do; when left out), ai (the provider first), local (never a provider)
  lock=…      update writes the code of all binaries to intents.lock, from which later builds take it; renew has it
              found anew first
  locked=1    only locked code will do
  executor=…  dask://HOST:PORT has the jobs done by a Dask cluster; processes on this machine when left out
  cache=…     a folder, relative to the project, that records of builds are taken from and put into, for other
              checkouts and machines; none when left out
  test        runs every example and vector on the built files under the target's emulator, and writes
              {build}/<target>/junit.xml

Useful options of SCons: -c removes what was built, -n says what would be, -k goes on after a failure,
-j N runs N jobs at a time (as many as there are processors when left out).
"""

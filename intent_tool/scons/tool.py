"""The builders: `.intent` is a source like any other to Object, Program and the libraries, and IntentProgram makes
a program's executable. `variables.py` says which construction variables there are."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import SCons.Action
import SCons.Builder
import SCons.Defaults
import SCons.Errors
import SCons.Node
import SCons.Scanner
import SCons.Tool
from SCons.Script import ARGUMENTS, GetOption

from intent_tool.emit.files import remove, write_whole
from intent_tool.scons import ninja
from intent_tool.scons.digest import tool_digest
from intent_tool.scons.link import refuse_clashes, require_linker
from intent_tool.scons.outline import outline
from intent_tool.scons.record import RECORD_SUFFIX, RecordFile, read_record
from intent_tool.scons.session import Item, session
from intent_tool.scons.variables import (
    evidence_of,
    generator_of,
    host_target,
    is_locked,
    require_packages,
    target_of,
    use_executor,
    use_lock,
)


def generate(env: Any) -> None:
    """Add the builders to `env`. Call it before the environment is cloned. Stops SCons when a package that the
    tool needs is missing, or when a construction variable or `lock=` says nothing that is known."""
    require_packages()
    env.SetDefault(INTENT_TARGET=host_target(), INTENT_EVIDENCE="tested", PROGSUFFIX="", OBJSUFFIX=".o",
                   INTENT_GENERATOR=ARGUMENTS.get("generator", "auto"), INTENT_LOCKED=ARGUMENTS.get("locked", "0"))
    target_of(env)
    evidence_of(env)
    generator_of(env)
    is_locked(env)
    use_lock(ARGUMENTS.get("lock", ""))
    use_executor(env.subst("$INTENT_EXECUTOR"))
    SCons.Tool.SourceFileScanner.add_scanner(".intent", _scanner())
    builders = env["BUILDERS"]
    builders["IntentRecord"] = SCons.Builder.Builder(
        action=PythonAction(_build, _record_signature, "would build {output} from {source} for {name}"),
        suffix=RECORD_SUFFIX, src_suffix=".intent", single_source=True, source_scanner=SCons.Tool.SourceFileScanner)
    builders["IntentHeader"] = SCons.Builder.Builder(
        action=PythonAction(_write_header, lambda *_: b"intent header"), suffix=".h", src_suffix=RECORD_SUFFIX,
        single_source=True)
    env.Append(LIBEMITTER=[refuse_clashes])
    for emitter in ("PROGEMITTER", "SHLIBEMITTER", "LDMODULEEMITTER"):
        env.Append(**{emitter: [refuse_clashes, require_linker]})
    write = PythonAction(_write_binary, lambda *_: b"intent binary")
    for builder, plain in zip(SCons.Tool.createObjBuilders(env), (SCons.Defaults.StaticObjectEmitter,
                                                                  SCons.Defaults.SharedObjectEmitter), strict=True):
        builder.add_action(".intent", write)
        builder.add_emitter(".intent", SCons.Builder.ListEmitter([plain, _function_emitter]))
    builders["IntentProgram"] = SCons.Builder.Builder(
        action=write, emitter=_program_emitter, suffix="$PROGSUFFIX", src_suffix=".intent", single_source=True,
        source_scanner=SCons.Tool.SourceFileScanner)
    builders["IntentTest"] = SCons.Builder.Builder(
        action=PythonAction(_test, lambda *_: b"intent test", "would test {source} for {name}"), suffix=".test.json")


def _function_emitter(target: list[Any], source: list[Any], env: Any) -> tuple[list[Any], list[Any]]:
    """A static and a shared object of one intent hold the same code: one record and one header serve both."""
    base = target[0].get_path().removesuffix(target[0].get_suffix())
    record = _record(base, target[0], source[0], False, env)
    header = env.File(f"#{base}.h".replace("$", "$$"))
    if not header.has_builder():
        env.Precious(env.IntentHeader(header, record))
        record.attributes.intent_files.append(header)
    env.Clean(target[0], header)
    return target, source


def _program_emitter(target: list[Any], source: list[Any], env: Any) -> tuple[list[Any], list[Any]]:
    _record(target[0].get_path(), target[0], source[0], True, env)
    return target, source


def _record(base: str, output: Any, intent: Any, is_program: bool, env: Any) -> Any:
    """The node of the record that `output` is taken from. Making it is what finds and judges the code."""
    record = env.File(f"#{base}{RECORD_SUFFIX}".replace("$", "$$"))
    if not record.has_builder():
        use_executor(env.subst("$INTENT_EXECUTOR"))
        env.IntentRecord(record, intent)
        if session().lock_mode == "renew":
            env.AlwaysBuild(record)
        record.attributes.intent_program = is_program
        record.attributes.intent_files = []
        target = target_of(env)
        runner = target.runner[0] if target.runner else "unicorn"
        session().items[record.get_path()] = Item(
            intent.srcnode().get_path(), target.name, runner, output.get_path(), record.get_path(),
            lambda: _files(record), lambda: _state(record))
    record.attributes.intent_files.append(output)
    # Files are replaced whole. Were they removed first, another build in the same tree could miss them.
    env.Precious(record, output)
    output.attributes.intent_record = record
    options = ["--evidence", evidence_of(env), "--generator", generator_of(env),
               *(["--locked"] if is_locked(env) else [])]
    if ninja.register(output, "_write_binary", ("_build", "_write_header"), target_of(env).name, options,
                      session().root):
        # What ninja builds is not known here.
        session().quiet = True
    env.Depends(output, record)
    return record


def _files(record: Any) -> list[str] | None:
    nodes = record.attributes.intent_files
    return [node.get_path() for node in nodes] if all(_state(node) == "done" for node in nodes) else None


def _state(node: Any) -> str:
    state = node.get_state()
    if state == SCons.Node.failed:
        return "failed"
    return "done" if state in (SCons.Node.executed, SCons.Node.up_to_date) else "waiting"


class PythonAction(SCons.Action.FunctionAction):  # type: ignore[misc]
    """A function as an action whose signature is `signature(target, source, env)`: SCons would take the function's
    bytecode, which says nothing of what it calls and changes with the version of Python.

    Nothing is printed, since the session has a line that says more, but `announcement` is in a dry run."""

    def __init__(self, function: Any, signature: Any, announcement: str = "") -> None:
        super().__init__(function, {})
        self._signature = signature
        self._announcement = announcement

    def get_presig(self, target: Any, source: Any, env: Any, executor: Any = None) -> bytes:
        contents: bytes = self._signature(target, source, env)
        return contents

    def genstring(self, target: Any, source: Any, env: Any, executor: Any = None) -> str:
        """What `--debug=explain` calls the action, of which it shows the old and the new when they differ."""
        contents: bytes = self._signature(target, source, env)
        return contents.decode()

    def strfunction(self, target: Any, source: Any, env: Any, executor: Any = None) -> str:
        if not (self._announcement and GetOption("no_exec")):
            return ""
        files = getattr(target[0].attributes, "intent_files", None) or target
        return self._announcement.format(output=files[0], source=source[0], name=target_of(env).name)


def _record_signature(target: Any, source: Any, env: Any) -> bytes:
    """What a binary depends on besides its sources."""
    kind = "program" if target[0].attributes.intent_program else "function"
    goal = target_of(env)
    locked = session().locked_digest(source[0].srcnode().get_path(), goal.name)
    found = f"locked as {locked}" if locked is not None else f"found by {generator_of(env)}"
    only = ", nothing but what is locked" if is_locked(env) else ""
    return (f"{kind} by intent_tool {tool_digest()} for {goal.name} {goal.digest} with evidence {evidence_of(env)}, "
            f"{found}{only}").encode()


def _build(target: Any, source: Any, env: Any) -> Any:
    """Find and judge the code: everything that is known of it, the binary included, goes into the record."""
    item = session().items[target[0].get_path()]
    reply = session().build(item, target[0].attributes.intent_program, {
        "evidence": evidence_of(env), "generator": generator_of(env), "locked": is_locked(env)})
    if "record" not in reply:
        remove(Path(node.get_abspath()) for node in [*target, *target[0].attributes.intent_files])
        return SCons.Errors.BuildError(errstr=f"no binary of {item.stem} for {item.target}")
    record = item.record = reply["record"]
    session().say(item, f"{record['instructions']:5d} insn  {record['bytes']:6d} B  {record['evidence']} "
                        f"({_vectors(item, record)})  {item.seconds:.2f} s")
    return 0


def _write_binary(target: Any, source: Any, env: Any) -> int:
    """Take the object or the executable out of its record."""
    record = target[0].attributes.intent_record
    write_whole(Path(target[0].get_abspath()), _content(record).binary, executable=record.attributes.intent_program)
    return 0


def _write_header(target: Any, source: Any, env: Any) -> int:
    """Take the header out of its record."""
    write_whole(Path(target[0].get_abspath()), _content(source[0]).header)
    return 0


def _content(record: Any) -> RecordFile:
    """What a record holds. One that was damaged since it was written is removed, so that the next run makes it."""
    path = Path(record.get_abspath())
    try:
        return read_record(path)
    except ValueError:
        remove([path])
        raise SCons.Errors.UserError(f"{record} was damaged and is removed now; build again") from None


def _vectors(item: Item, record: dict[str, Any]) -> str:
    """``10,000 vectors``, and what ran them when that is not the target's runner."""
    names = "" if item.runner in record["emulators"] else ", " + " + ".join(record["emulators"])
    plural = "" if record["vectors"] == 1 else "s"
    return f"{record['vectors']:,} vector{plural}{names}"


def _test(target: Any, source: Any, env: Any) -> int:
    """Run the examples and vectors of an intent on its built file. The target's JUnit file is what fails, once all
    tests have run."""
    item = session().items[source[0].attributes.intent_record.get_path()]
    reply = session().run(item, "test", {"binary": item.output})
    if "record" in reply:
        test = item.test = reply["record"]
        item.problems = tuple(test["problems"])
        session().say(item, f"{'ok' if test['accepted'] else 'WRONG':5}  {test['examples']:3d} examples  "
                            f"{_vectors(item, test)}  {item.seconds:.2f} s")
        session().complain(item.problems)
    write_whole(Path(target[0].get_abspath()), json.dumps(reply))
    return 0


@cache
def _scanner() -> Any:
    return SCons.Scanner.ScannerBase(_used_intents, name="intent", skeys=[".intent"], recursive=True)


def _used_intents(node: Any, env: Any, path: Any) -> list[Any]:
    """The intents that an intent uses. A path that names no file here is the loader's to refuse."""
    if not node.exists():
        return []
    text = node.get_contents().decode("utf-8", "replace")
    nodes = [env.File(name, node.get_dir()) for name in outline(text).uses if _is_plain(name)]
    return [used for used in nodes if used.rexists() or used.has_builder()]


def _is_plain(name: str) -> bool:
    return bool(name) and "\0" not in name and not name.startswith(("/", "#"))

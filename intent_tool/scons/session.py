"""One run of SCons: which intents take part, what happened to each, and what is said and written about it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Errors

from intent_tool.emit.files import write_whole
from intent_tool.emit.listing import evidence_text
from intent_tool.emit.report import Record, failed_record, report_text
from intent_tool.language.diagnostics import IntentError, error
from intent_tool.scons.record import RECORD_SUFFIX, read_record
from intent_tool.scons.snapshot import Entry, Snapshot, stamp_of
from intent_tool.scons.worker import WorkerPool

if TYPE_CHECKING:
    from intent_tool.ask import Asking
    from intent_tool.emit.junit import Case
    from intent_tool.emit.lockfile import Lock

MOST_WORKERS = 256
"""More are not started, however many jobs SCons runs at a time."""


@dataclass(slots=True)
class Item:
    """One intent for one target. Paths are relative to the project's root."""

    intent: str
    target: str
    runner: str
    output: str
    record_path: str
    files: Callable[[], list[str] | None]
    """All files that are taken out of the record; None unless this run knows each to be what it has to be."""
    state: Callable[[], str]
    """What SCons made of the output so far: ``waiting``, ``done`` or ``failed``."""
    record: Record | None = None
    """Set once it was built in this run."""
    problems: tuple[str, ...] = ()
    test: dict[str, Any] | None = None
    """The outcome of the test, when it ran."""
    seconds: float = 0.0
    asked: int = 0
    """Rounds of questions to an AI provider, in this run."""
    answered: bool = False
    """The last answer kept the contract."""

    @property
    def stem(self) -> str:
        return Path(self.intent).stem


@dataclass(slots=True)
class Session:
    root: Path
    executor: Executor
    """What runs the jobs."""
    quiet: bool
    """Nothing is written to standard output (`scons -s`)."""
    dry: bool
    """Nothing is done (`scons -n`, `scons -h`)."""
    clean: bool
    """Things are removed (`scons -c`)."""
    lock_mode: str = ""
    """``update`` or ``renew`` when the lockfile is to be written."""
    asking: Asking | None = None
    generators: set[str] = field(default_factory=set)
    """Those that environments of this run want."""
    _lock_file: Lock | None = None
    executor_name: str = ""
    """What was asked for."""
    report: str | None = None
    """Path of the report, relative to the root; None for no report."""
    junit: dict[str, str] = field(default_factory=dict)
    """Path of the JUnit file of each target that is tested."""
    items: dict[str, Item] = field(default_factory=dict)
    """By the record's path."""
    snapshot: Snapshot | None = None
    """What earlier runs left behind, for a project that has one."""
    unchanged: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """What SCons was not told of, by target and intent."""
    said: set[str] = field(default_factory=set)
    """Problems that are on standard error already."""
    started: float = field(default_factory=time.perf_counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def use_executor(self, name: str) -> None:
        """Have the jobs run by what `name` says: ``dask://host:port``, or nothing for processes on this machine.
        Raises `IntentError`."""
        if name in ("", self.executor_name):
            return
        if not name.startswith("dask://"):
            raise error("E912", f"`executor={name}`: there is no such executor", help="it is dask://HOST:PORT")
        if self.dry or self.clean:
            return
        from intent_tool.scons.cluster import Cluster

        self.executor, self.executor_name = Cluster(name), name

    @property
    def jobs(self) -> int:
        """How many jobs can be done at the same time."""
        return getattr(self.executor, "threads", 0) or os.cpu_count() or 1

    def use_generator(self, name: str) -> None:
        """Have an AI provider ready where `name` (``auto``, ``ai``, ``local``) may want it. Raises `IntentError`."""
        if name in self.generators or self.dry or self.clean:
            return
        self.generators.add(name)
        if name != "local" and self.asking is None:
            from intent_tool.ask import asking

            self.asking = asking(name, self.remark)
            if self.asking is not None:
                _on_interrupt(self.asking.client.stop.set)

    @property
    def lock_file(self) -> Lock:
        """Raises `IntentError` when it is malformed."""
        from intent_tool.emit.lockfile import LOCK, read_lock

        if self._lock_file is None:
            self._lock_file = read_lock(self.root / LOCK)
        return self._lock_file

    def locked_digest(self, intent: str, target: str) -> str | None:
        """Of the entry that a build takes its code from; None where it finds its code."""
        try:
            return None if self.lock_mode == "renew" else self.lock_file.digest(intent, target)
        except IntentError as failure:
            raise SCons.Errors.UserError(str(failure)) from None

    def build(self, item: Item, program: bool, wishes: dict[str, Any]) -> dict[str, Any]:
        """Have the code of `item` found and judged, by a worker; what it wants to ask an AI provider is asked here,
        where the key is."""
        key = (item.intent, item.target)
        text = None if self.lock_mode == "renew" else self.lock_file.entries.get(key)
        lock = {"path": self.lock_file.path.name, "text": text, "line": self.lock_file.lines[key]} \
            if text is not None else None
        ask = self.asking if wishes["generator"] != "local" else None
        wishes = {**wishes, "updating": bool(self.lock_mode), "may_ask": ask is not None,
                  "rounds": ask.rounds if ask is not None else 0}
        request = {"program": program, "record": item.record_path, "lock": lock, "wishes": wishes}
        start = time.perf_counter()
        reply = self.run(item, "build", request)
        while "ask" in reply and ask is not None:
            from intent_tool.propose.ai.client import Question
            from intent_tool.propose.ai.dialog import Dialog

            item.asked += 1
            dialog = ask.answer(Question(**reply["ask"]), Dialog.from_json(reply["dialog"]), *key)
            reply = self.run(item, "build", {**request, "dialog": dialog.to_json()})
        item.seconds = time.perf_counter() - start
        item.answered = reply.get("answered", False)
        return reply

    def remark(self, text: str) -> None:
        """A line on standard error."""
        with self.lock:
            sys.stdout.flush()
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def run(self, item: Item, job: str, request: dict[str, Any]) -> dict[str, Any]:
        """Have a worker do `job` for `item`; problems and faults go to standard error, whole."""
        from intent_tool.scons import jobs

        start = time.perf_counter()
        try:
            reply = self.executor.submit(jobs.run, {"job": job, "intent": item.intent, "target": item.target,
                                                    "root": str(self.root), **request}).result()
        except Exception as failure:
            reply = {"fault": str(failure) or type(failure).__name__}
        item.seconds = time.perf_counter() - start
        if "fault" in reply:
            reply = {"problems": [f"{item.intent}: this is a fault of the tool, not yours: {reply['fault']}\n"
                                  "help: set INTENT_TOOL_DEBUG=1 to see where, and report it"]}
        if "problems" in reply:
            item.problems = tuple(reply["problems"])
            self.complain(item.problems)
        return reply

    def complain(self, problems: tuple[str, ...]) -> None:
        """Write `problems` to standard error in one piece; those of the contract come up once for every target,
        and are said once."""
        with self.lock:
            new = [problem for problem in problems if problem not in self.said]
            self.said.update(new)
            if new:
                sys.stdout.flush()
                sys.stderr.write("\n".join(new) + "\n")
                sys.stderr.flush()

    def say(self, item: Item, text: str) -> None:
        """A progress line: how many of all are dealt with, the target, the symbol, `text`."""
        if self.quiet:
            return
        with self.lock:
            if item.test is not None:
                count = sum(i.test is not None for i in self.items.values())
            else:
                count = sum(i.state() != "waiting" for i in self.items.values() if i is not item) + 1
            total = len(self.items)
            targets = max(len(i.target) for i in self.items.values())
            names = min(24, max(len(i.stem) for i in self.items.values()))
            print(f"[{count:{len(str(total))}}/{total}] {item.target:{targets}}  {item.stem:{names}}  {text}",
                  flush=True)

    def finish(self) -> None:
        """At the end of the run, also of one that failed: the report, the JUnit files, the summary."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        if self.dry:
            return
        with contextlib.suppress(BrokenPipeError):
            try:
                if self.clean:
                    if self.snapshot is not None:
                        self.snapshot.path.unlink(missing_ok=True)
                    self._write_report(self._earlier())
                elif self.items or self.unchanged:
                    if self.items or not self._is_reported():
                        self._write_report(self._records())
                    for target, path in self.junit.items():
                        write_whole(self.root / path, self.junit_of(target))
                    self._write_snapshot()
                    self._summarize()
                    if self.lock_mode:
                        self._update_lock()
            except IntentError as failure:
                print(failure, file=sys.stderr)
            except OSError as failure:
                print(f"{failure.filename}: {failure.strerror}", file=sys.stderr)

    def _update_lock(self) -> None:
        """Lock the code of all that is built; what was locked before stays, as far as its intent is still there."""
        from intent_tool.emit.lockfile import updated

        entries: list[str] = []
        for item in self.items.values():
            if item.state() == "done":
                with contextlib.suppress(OSError, ValueError):
                    entries += filter(None, [read_record(self.root / item.record_path).lock])
        lock = self.lock_file
        text = updated(lock, entries, lambda intent, _: (self.root / intent).is_file())
        if text != lock.source.text:
            write_whole(lock.path, text)
        if not self.quiet:
            print(f"{lock.path.name}: {_count(len(entries), 'binary is', 'binaries are')} locked")

    def junit_of(self, target: str) -> str:
        """The JUnit document of what is known now about `target`."""
        from intent_tool.emit.junit import junit_text

        return junit_text(f"intents.{target}", [_case(i) for i in self.items.values() if i.target == target])

    def _write_report(self, records: list[Record]) -> None:
        """The report of `records`; without any there is none, and no empty folder."""
        if self.report is None:
            return
        path = self.root / self.report
        if records:
            write_whole(path, report_text(records))
        else:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()

    def _is_reported(self) -> bool:
        """Whether the report is there that was written when all was as it is."""
        return self.snapshot is not None and self.report is not None and self.snapshot.report is not None \
            and self.snapshot.report == stamp_of(str(self.root / self.report))

    def _write_snapshot(self) -> None:
        if self.snapshot is None:
            return
        report = stamp_of(str(self.root / self.report)) if self.report is not None else None
        if not self.items and self.snapshot.report == report:
            return
        for target in {item.target for item in self.items.values()} | {target for target, _ in self.unchanged}:
            self.snapshot.retain(target, {intent for name, intent in self.unchanged if name == target})
        for item in self.items.values():
            record = self._record(item) if item.state() == "done" else None
            files = item.files()
            if record is not None and not record["problems"] and files is not None:
                self.snapshot.end(item.target, item.intent, [item.record_path, *files], record["evidence"],
                                  bool(record["vectors"]) and item.runner not in record["emulators"])
        # A record that was made now says so; the next report says otherwise.
        is_final = all(item.record is None and not item.problems for item in self.items.values())
        self.snapshot.report = report if is_final else None
        self.snapshot.write()

    def _records(self) -> list[Record]:
        """A record of every item that was built, now or before, or that failed now; and those of other targets
        that earlier runs left in the build folder."""
        records = [record for item in self.items.values() if (record := self._record(item)) is not None]
        return records + self._earlier()

    def _record(self, item: Item) -> Record | None:
        if item.record is not None:
            return item.record
        if item.problems and item.test is None and item.state() != "done":
            return failed_record(item.intent, item.target, item.problems, round(item.seconds, 3))
        return _read_record(self.root / item.record_path) if item.state() == "done" else None

    def _earlier(self) -> list[Record]:
        """The records in the report's folder that are not of this run, and whose intents are still there."""
        if self.report is None:
            return []
        if self._is_reported():
            known = json.loads((self.root / self.report).read_bytes())["records"]
            here = {(item.intent, item.target) for item in self.items.values()}
            return [record | {"cached": True} for record in known if not record["problems"]
                    and (record["intent"], record["target"]) not in here and (self.root / record["intent"]).is_file()]
        mine = {self.root / path for path in self.items}
        paths = set((self.root / self.report).parent.rglob(f"*{RECORD_SUFFIX}")) - mine
        records = [record for path in sorted(paths) if (record := _read_record(path)) is not None]
        return [record for record in records if (self.root / record["intent"]).is_file()]

    def _summarize(self) -> None:
        if self.quiet:
            return
        seconds = time.perf_counter() - self.started
        states = Counter("built" if i.record is not None else i.state() for i in self.items.values())
        states["done"] += len(self.unchanged)
        used = {i.target: None for i in self.items.values()} | {target: None for target, _ in self.unchanged}
        targets = list(used) if self.snapshot is None else [name for name in self.snapshot.keys if name in used]
        counts = [f"{states['built']} built", f"{states['done']} up to date", f"{states['failed']} failed"]
        if states["waiting"]:
            counts.append(f"{states['waiting']} not reached")
        tests = [i.test for i in self.items.values() if i.test is not None]
        if self.junit:
            good = sum(t["accepted"] for t in tests)
            vectors = sum(t["vectors"] for t in tests)
            counts.append(f"{good} of {len(tests)} passed their test ({vectors:,} vectors)")
        intents = len({i.intent for i in self.items.values()} | {intent for _, intent in self.unchanged})
        print(f"{_count(intents, 'intent')}, "
              f"{_count(len(self.items) + len(self.unchanged), 'binary', 'binaries')} "
              f"for {', '.join(targets)}: {', '.join(counts)}; {seconds:.1f} s")
        records = [record for i in self.items.values() if (record := self._record(i)) is not None]
        built = Counter(record["evidence"] for record in records)
        built.update(entry.evidence for entry in self.unchanged.values())
        if not self.junit and built:
            levels = ("proved", "bounded", "tested", "none")
            print("evidence: " + ", ".join(f"{built[level]} {level}" for level in levels if built[level]))
        self._summarize_asking()
        runners = {i.target: i.runner for i in self.items.values()}
        emulators = [(r["target"], r["emulators"]) for r in records if r["vectors"]]
        emulators += [(i.target, i.test["emulators"]) for i in self.items.values() if i.test]
        without = {target for target, names in emulators if runners[target] not in names}
        without |= {target for (target, _), entry in self.unchanged.items() if entry.stood_in}
        for target in sorted(without):
            print(f"note: qemu-user did not run every binary of {target}; unicorn stood in. "
                  f"`apt-get install qemu-user` provides it")


    def _summarize_asking(self) -> None:
        items = [i for i in self.items.values() if i.asked]
        if not items or self.asking is None:
            return
        client, kept = self.asking.client, sum(i.answered for i in items)
        used = sum(i.record is not None and i.record["generator"] == "ai" for i in items)
        cost = f", ${client.spent.cost:.4f}" if client.provider.price is not None else ""
        asked, good = _count(len(items), "binary", "binaries"), _count(kept, "answer keeps", "answers keep")
        print(f"ai: {client.provider.name} ({client.provider.model}) was asked for {asked}: {good} the contract, "
              f"{_count(used, 'is', 'are')} used; {client.spent.tokens:,} tokens{cost}")
        if used and not self.lock_mode:
            print("note: nothing says that a model answers the same again; `scons lock=update` keeps the code")


def _read_record(path: Path) -> Record | None:
    """The record that an earlier run wrote; None when it is not there or not whole."""
    with contextlib.suppress(OSError, ValueError):
        return read_record(path).report | {"cached": True}
    return None


def _case(item: Item) -> Case:
    from intent_tool.emit.junit import Case

    name = item.stem
    classname = ".".join([item.target, *Path(item.intent).parts[:-1]])
    if item.test is None:
        reason = "\n".join(item.problems) or "there is no binary: the build stopped before it"
        return Case(classname, name, item.seconds, error=reason)
    test = item.test
    output = f"{test['examples']} examples; " + evidence_text("ran", test["vectors"], test["emulators"])
    failure = None if test["accepted"] else "\n".join(test["problems"])
    return Case(classname, name, test["seconds"], output, failure)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _on_interrupt(act: Callable[[], None]) -> None:
    """Have `act` done when an interrupt comes, besides what SCons does, which waits for the jobs under way."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while byte := heard.recv(1):
            if byte[0] in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                act()
        told.close()
    threading.Thread(target=listen, daemon=True).start()


@cache
def session() -> Session:
    """The session of this process: SCons runs once in it, and every environment takes part in the same run."""
    from SCons.Node.FS import get_default_fs
    from SCons.Script import GetOption

    root = Path(get_default_fs().Dir("#").abspath)
    current = Session(root, WorkerPool(MOST_WORKERS), quiet=bool(GetOption("silent")),
                      dry=bool(GetOption("no_exec") or GetOption("help")), clean=bool(GetOption("clean")))
    atexit.register(current.finish)
    return current

"""Programs as they are generated, run on what the contract has a value for, and compared with that value.

`pytest tests/gallery/test_gallery_programs.py` compares the gallery's programs with the system's own tools."""

from __future__ import annotations

import platform
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.machine.assembler import assemble
from intent_tool.machine.elf import write_executable
from intent_tool.machine.target import Target, load_targets
from intent_tool.propose.programs import lower_program
from intent_tool.propose.programs.plan import plan

RUNNERS = {"x86_64": "qemu-x86_64", "arm64": "qemu-aarch64", "riscv64": "qemu-riscv64"}
TEXTS = (b"", b"a", b"\n", b"two words\nand 12 more\t,\r\n\n  x", bytes(range(256)),
         b"0123456789abcdef" * 9 + b"tail")
ARGUMENTS = ((), (b"",), (b"7",), (b"-3", b"x y"), (b"12", b"5", b"abc"))

CASES = {
    "copy": "stdout: stdin",
    "copy between texts": """stdout: b"<" + stdin + b">\\n" """,
    "map": 'stdout: "bytes(c ^ 32 if 65 <= c <= 90 else c for c in stdin)"',
    "map with the place": 'stdout: "bytes((c + i) & 255 for i, c in enumerate(stdin))"',
    "filter": 'stdout: "bytes(c for c in stdin if c != 13 and c < 128)"',
    "several bytes for one": 'stdout: "bytes(b for c in stdin for b in ([92, 110] if c == 10 else [c]))"',
    "turned round": 'stdout: "bytes(reversed(stdin))"',
    "sorted": 'stdout: "bytes(sorted(stdin))"',
    "counts": 'stdout: |\n  f"{len(stdin)} {sum(c == 10 for c in stdin):3d} {sum(stdin):x}\\n"',
    "several states": """where:
  step(s, c): ((s[0] + c) % 65521, (s[1] + s[0] + c) % 65521)
  sums: reduce(step, stdin, (1, 0))
stdout: |
  f"{sums[1]:04x}{sums[0]:04x}\\n" """,
    "a search": 'stdout: |\n  f"{next((i for i, c in enumerate(stdin) if c == 10), len(stdin))}\\n"',
    "by the exit status": "exit: 0 if any(48 <= c <= 57 for c in stdin) else 1 if len(stdin) > 0 else 2",
    "all and in": "exit: all(c < 128 for c in stdin) * 2 + (10 in stdin)",
    "the first bytes": 'stdout: "stdin[:7]"',
    "without the first bytes": 'stdout: "stdin[3:]"',
    "the last bytes": 'stdout: "stdin[-5:]"',
    "groups": """where:
  line(i): f"{i:04x}" + bytes(b for c in stdin[i:i + 8] for b in f" {c:02x}") + b"\\n"
stdout: "bytes(b for i in range(0, len(stdin), 8) for b in line(i))" """,
    "groups that are filled up": """where:
  at(i): stdin[i] if i < len(stdin) else 0
stdout: "bytes(at(i + k) ^ k for i in range(0, len(stdin), 4) for k in range(4))" """,
    "output in a fold": """where:
  step(s, c): (s[0] + b"        "[:8 - s[1] % 8], 0) if c == 9 else (s[0] + bytes([c]), (s[1] + 1) % 8)
stdout: reduce(step, stdin, (b"", 0))[0]""",
    "what a fold ends with": """where:
  step(s, c): (s[0], s[1] + 1) if c == 32 and s[1] < 100 else (s[0] + bytes(95 for _ in range(s[1])) + bytes([c]), 0)
  end: reduce(step, stdin, (b"", 0))
stdout: |
  end[0] + f"[{end[1]}]\\n" """,
    "two folds and a copy": 'stdout: |\n  stdin + f"{len(stdin)} {max(1, sum(c == 97 for c in stdin)):,}\\n"',
    "the whole before": 'stdout: |\n  f"{len(stdin)}:" + stdin',
    "arguments": """stdout: |
  bytes(c for i, a in enumerate(args) for c in (b" " if i > 0 else b"") + a) + b"\\n" """,
    "formats": """where:
  n: len(args) * 1237 - 2000
stdout: |
  f"{n:d}|{n:+d}|{n: d}|{n:8d}|{n:<8d}|{n:^9d}|{n:=+9d}|{n:09d}|{n:,}|{n:#x}|{n:#010b}|{n:o}|{n:*>7X}\\n" """,
    "characters": """where:
  n: min(len(args), 9)
stdout: |
  f"{n + 65:c}{n * 300 + 200:c}{n * 9000 + 2000:c}{n + 128512:c}\\n" """,
    "texts in fields": """where:
  first: args[0] if len(args) > 0 else b"none"
stdout: |
  f"{first:s}|{first:8s}|{first:>8s}|{first:^8s}|\\n" """,
    "numbers": """where:
  is_number(a): len(a) > 0 and len(a) < 9 and all(48 <= c <= 57 for c in a)
  usable: len(args) == 2 and is_number(args[0]) and is_number(args[1])
stdout: |
  f"{int(args[0]) * int(args[1]) - 1}\\n" if usable else b""
stderr: |
  b"" if usable else b"usage: times A B\\n"
exit: 0 if usable else 2""",
    "a loop over numbers": """where:
  line(i): |
    b"FizzBuzz\\n" if i % 15 == 0 else b"Fizz\\n" if i % 3 == 0 else b"Buzz\\n" if i % 5 == 0 else f"{i}\\n"
stdout: "bytes(c for i in range(1, 20 + len(args)) for c in line(i))" """,
    "a condition": """where:
  is_prime(p): all(p % d for d in range(2, p))
stdout: "bytes(c for p in range(2, 30 + len(args)) if is_prime(p) for c in f'{p} ')" """,
    "comparisons of bytes": """where:
  first: args[0] if len(args) > 0 else b""
exit: (first == b"7") + 2 * (first in [b"-3", b"12"]) + 4 * (b"wo" in stdin) + 8 * (first[:1] != b"1")""",
    "standard error": 'stdout: stdin\nstderr: |\n  f"{len(stdin)} bytes\\n"\nexit: 3',
}


@pytest.mark.parametrize("isa", RUNNERS)
@pytest.mark.parametrize("name", CASES)
def test_program(name: str, isa: str, tmp_path: Path) -> None:
    contract = load_text(f"intent: A test.\nprogram: test\n{CASES[name]}\n")
    oracle, path = Oracle(contract), tmp_path / "program"
    path.write_bytes(_executable(contract, _target(isa)))
    path.chmod(0o755)
    runner = shutil.which(RUNNERS[isa])
    assert runner is not None
    inputs = [*((arguments, TEXTS[3]) for arguments in ARGUMENTS), *(((b"7",), text) for text in TEXTS)]
    for arguments, text in inputs:
        command = [runner, str(path), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, check=False, timeout=60)
        assert (done.stdout, done.stderr, done.returncode) == oracle.program(arguments, text), (arguments, text)


@pytest.mark.parametrize("isa", RUNNERS)
def test_input_of_many_blocks(isa: str, tmp_path: Path) -> None:
    """What stands at the edges of blocks, also where groups do not fall on them."""
    contract = load_text("""
intent: A test.
program: test
where:
  at(i): stdin[i] if i < len(stdin) else 0
stdout: "bytes(at(i + k) for i in range(0, len(stdin), 3) for k in range(3) if i + k < len(stdin))"
exit: 0 if len(stdin) == 300001 else 1
""")
    path, data = tmp_path / "program", bytes(k * k % 251 for k in range(300_001))
    path.write_bytes(_executable(contract, _target(isa)))
    path.chmod(0o755)
    done = subprocess.run([RUNNERS[isa], str(path)], input=data, capture_output=True, check=False, timeout=60)
    assert (done.stdout, done.returncode) == (data, 0)


def test_what_is_streamed_needs_no_memory(tmp_path: Path) -> None:
    """A GiB of input in a MiB of address space, all told."""
    contract = load_text("""
intent: A test.
program: test
stdout: |
  f"{len(stdin)} {sum(c == 0 for c in stdin)}\\n"
""")
    path, data = tmp_path / "program", tmp_path / "data"
    path.write_bytes(_executable(contract, _target({"aarch64": "arm64"}.get(platform.machine(), platform.machine()))))
    path.chmod(0o755)
    with data.open("wb") as file:
        file.truncate(1 << 30)
    command = ["bash", "-c", 'ulimit -v 1024 && exec "$0" < "$1"', str(path), str(data)]
    assert subprocess.check_output(command, timeout=300) == b"1073741824 1073741824\n"


@pytest.mark.parametrize("isa", RUNNERS)
def test_a_reader_that_goes_away_ends_it_quietly(isa: str, tmp_path: Path) -> None:
    contract = load_text("intent: A test.\nprogram: test\nstdout: stdin\n")
    path = _installed(contract, isa, tmp_path)
    command = ["bash", "-o", "pipefail", "-c", 'yes | "$0" "$1" | head -n 1', RUNNERS[isa], str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (b"y\n", b"", 128 + signal.SIGPIPE)


@pytest.mark.parametrize("isa", RUNNERS)
def test_a_full_disk_is_said_by_the_exit_status(isa: str, tmp_path: Path) -> None:
    contract = load_text("intent: A test.\nprogram: test\nstdout: stdin\n")
    path = _installed(contract, isa, tmp_path)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([RUNNERS[isa], str(path)], input=b"text", stdout=full, check=False, timeout=60)
    assert done.returncode == 1


@pytest.mark.parametrize("isa", RUNNERS)
def test_a_closed_output_is_said_by_the_exit_status(isa: str, tmp_path: Path) -> None:
    contract = load_text("intent: A test.\nprogram: test\nstdout: stdin\n")
    path = _installed(contract, isa, tmp_path)
    done = subprocess.run(["bash", "-c", '"$0" "$1" >&-', RUNNERS[isa], str(path)], input=b"text", check=False,
                          timeout=60)
    assert done.returncode == 1


@pytest.mark.parametrize("body", ["stdout: stdin", "stdout: reversed(stdin)"])
@pytest.mark.parametrize("isa", RUNNERS)
def test_a_signal_ends_it_while_it_waits(isa: str, body: str, tmp_path: Path) -> None:
    contract = load_text(f"intent: A test.\nprogram: test\n{body}\n")
    path = _installed(contract, isa, tmp_path)
    with subprocess.Popen([RUNNERS[isa], str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None and running.stdout is not None
        running.stdin.write(b"something\n")
        running.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.5)
        running.terminate()
        assert running.wait(20) == -signal.SIGTERM
        assert running.stdout.read() in (b"", b"something\n")


@pytest.mark.parametrize(("body", "line", "message"), [
    ('stdout: "bytes(c + 1 for p in [0] for c in stdin)"', 3, "a byte that may not be in 0 to 255"),
    ("exit: len(stdin)", 3, "an exit status that may not be in 0 to 255"),
    ('stdout: "sorted(args[0] for _ in range(2))[0]"', 3, "output of this kind"),
    ("where:\n  total: sum(c * 2 ** 60 for c in stdin)\nexit: total % 7", 4, "may need more than 64 bits"),
])
def test_refused_with_its_place(body: str, line: int, message: str) -> None:
    with pytest.raises(IntentError) as raised:
        plan(load_text(f"intent: A test.\nprogram: test\n{body}\n"))
    (diagnostic,) = raised.value.diagnostics
    assert message in diagnostic.message
    assert diagnostic.span is not None and diagnostic.span.line == line


def test_equal_parts_are_one() -> None:
    script = plan(load_text("""
intent: A test.
program: test
stdout: |
  f"{len(args) * 3:d} {len(args) * 3 + 1:d}\\n"
"""))
    assert len({part.text for part in script.parts}) == len(script.parts)
    assert sum("10**k" in part.text for part in script.parts) == 1


def _installed(contract: Contract, isa: str, folder: Path) -> Path:
    path = folder / "program"
    path.write_bytes(_executable(contract, _target(isa)))
    path.chmod(0o755)
    return path


def _target(isa: str) -> Target:
    return load_targets()[isa]


def _executable(contract, target: Target) -> bytes:  # type: ignore[no-untyped-def]
    return write_executable(target, assemble(lower_program(contract, target).assembly, target))

"""`lock=update` writes down the code that was found; later builds take it, and judge it again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scons_project import SCONSTRUCT, TRIPLE, Project

MAIN = '#include "triple.h"\nint main(void) { return triple(14) - 42; }\n'
IDENTITY = "intent: The same.\nsignature: uint32_t same(uint32_t x)\nreturns: x\n"


@pytest.fixture
def locked(project: Project) -> Project:
    """Three intents, built for arm64 and locked."""
    project.build("target=arm64", "lock=update")
    return project


def lock(project: Project) -> str:
    return (project.folder / "intents.lock").read_text()


def change(project: Project, old: str, new: str) -> None:
    text = lock(project)
    assert old in text
    (project.folder / "intents.lock").write_text(text.replace(old, new, 1))


def outputs(project: Project) -> dict[str, bytes]:
    return {name: (project.folder / "build/arm64" / name).read_bytes() for name in project.files("build/arm64")
            if not name.endswith(".json")}


def test_a_locked_build_gives_the_same_bytes_from_the_lock_alone(locked: Project) -> None:
    before = outputs(locked)
    locked.build("-c", "target=arm64")
    out = locked.build("target=arm64", "locked=1")
    assert "3 built" in out
    assert outputs(locked) == before
    assert {record["locked"] for record in locked.records().values()} == {True}


def test_what_is_locked_is_up_to_date_until_the_lock_changes(locked: Project) -> None:
    assert "3 built" in locked.build("target=arm64")
    assert "0 built, 3 up to date" in locked.build("target=arm64")
    change(locked, "# Machine code", "# The machine code")
    assert "0 built, 3 up to date" in locked.build("target=arm64")


def test_locked_fails_for_what_is_missing_or_stale(locked: Project) -> None:
    ran = locked.scons("target=x86_64", "locked=1", "-k")
    assert ran.status == 2
    assert "error[E921]: no code for `triple` on x86_64 is locked" in ran.err
    locked.write("intents/math/triple.intent", TRIPLE.replace("3 * x", "5 * x").replace("== 15", "== 25"))
    ran = locked.scons("target=arm64", "locked=1", "-k")
    assert ran.status == 2
    assert "triple.intent:1:9: error[E921]: the code for `triple` on arm64 was locked before the contract changed" \
        in ran.err
    assert "help: `scons lock=update` or `intent-tool lock` writes the lockfile" in ran.err
    locked.build("target=arm64")
    assert [key for key, record in locked.records().items() if not record["locked"]] == \
        [("triple", "arm64")]


def test_prose_and_examples_do_not_make_the_lock_stale(locked: Project) -> None:
    locked.write("intents/math/triple.intent", TRIPLE.replace("Three times a number", "A number, three times"))
    assert "3 built" in locked.build("target=arm64", "locked=1")


def test_only_the_lines_of_what_changed_change(locked: Project) -> None:
    before = lock(locked)
    locked.write("intents/math/triple.intent", TRIPLE.replace("3 * x", "5 * x").replace("== 15", "== 25"))
    locked.build("target=arm64", "lock=update")
    entries = [set(re.split(r"\n(?=\[\[code\]\])", text)) for text in (before, lock(locked))]
    (gone,), (new,) = entries[0] - entries[1], entries[1] - entries[0]
    assert 'intent = "intents/math/triple.intent"' in gone
    assert 'intent = "intents/math/triple.intent"' in new


def test_updating_keeps_other_targets_and_forgets_intents_that_are_gone(locked: Project) -> None:
    locked.build("target=x86_64", "lock=update")
    assert lock(locked).count("[[code]]") == 6
    (locked.folder / "intents/math/triple.intent").unlink()
    locked.build("target=x86_64", "lock=update")
    assert lock(locked).count("[[code]]") == 4


def test_code_that_breaks_the_contract_is_refused_whatever_its_digest_says(locked: Project) -> None:
    """Whoever changes the code can change its digest along with it; the judge is not impressed."""
    was = lock(locked)
    entry = next(part for part in re.split(r"\n(?=\[\[code\]\])", was) if "triple.intent" in part)
    wrong = re.sub(r"(?s)assembly = '''.*'''", "assembly = '''\n    mov w0, #15\n    ret\n'''", entry)
    (locked.folder / "intents.lock").write_text(was.replace(entry, wrong))
    ran = locked.scons("target=arm64", "-k")
    assert ran.status == 2
    assert "error[E922]: the code for `triple` on arm64 in intents.lock is refused" in ran.err
    assert re.search(r"  triple\(\d+\) is 15, must be \d+", ran.err)
    assert "intents.lock was changed by somebody" in ran.err
    assert not (locked.folder / "build/arm64/math/triple.o").exists()
    assert "triple" in locked.build("target=arm64", "lock=update")
    assert lock(locked) == was


def test_code_that_keeps_the_contract_and_is_not_what_was_locked_is_refused(locked: Project) -> None:
    was = lock(locked)
    entry = next(part for part in re.split(r"\n(?=\[\[code\]\])", was) if "triple.intent" in part)
    longer = entry.replace("assembly = '''\n", "assembly = '''\n    nop\n")
    (locked.folder / "intents.lock").write_text(was.replace(entry, longer))
    ran = locked.scons("target=arm64", "-k")
    assert "it does not assemble to the bytes that were locked" in ran.err
    # Somebody who edits it on purpose has it written down anew.
    locked.build("target=arm64", "lock=update")
    assert "    nop\n" in lock(locked)
    assert "3 built" in locked.build("target=arm64", "locked=1")


def test_a_back_door_that_no_test_opens_is_refused(tmp_path: Path) -> None:
    """A write through a register that only one argument in four billion leads to: tests do not see it."""
    project = Project(tmp_path)
    project.write("SConstruct", SCONSTRUCT)
    project.write("intents/same.intent", IDENTITY)
    project.build("target=x86_64", "lock=update")
    door = ("    cmp edi, 305419896\n    jne .L1\n    mov qword ptr [rsi], rdx\n.L1:\n    mov eax, edi\n    ret\n")
    text = re.sub(r"(?s)(assembly = ''').*(''')", rf"\1\n{door}\2", lock(project))
    (tmp_path / "intents.lock").write_text(text)
    ran = project.scons("target=x86_64")
    assert ran.status == 2
    assert "same(305419896) writes at an address that does not start from a buffer" in ran.err


def test_code_that_is_not_this_tools_own_has_to_be_proved(tmp_path: Path) -> None:
    """A loop that no proof follows to its end passes every test."""
    project = Project(tmp_path)
    project.write("SConstruct", SCONSTRUCT)
    project.write("intents/same.intent", IDENTITY)
    project.build("target=x86_64", "lock=update")
    loop = "    mov eax, edi\n    cmp edi, 305419896\n.L1:\n    je .L1\n    ret\n"
    text = re.sub(r"(?s)(assembly = ''').*(''')", rf"\1\n{loop}\2", lock(project))
    (tmp_path / "intents.lock").write_text(text)
    ran = project.scons("target=x86_64")
    assert ran.status == 2
    assert "is tested only, and code that this tool did not generate has to be proved" in ran.err


def test_renew_finds_code_anew(locked: Project) -> None:
    change(locked, "    ret\n", "    nop\n    ret\n")
    locked.build("target=arm64", "lock=renew")
    assert "nop" not in lock(locked)


@pytest.mark.parametrize(("arguments", "message"), [
    (["lock=now"], "error[E923]: `lock=now`: there is no such choice\nhelp: it is one of update, renew"),
    (["locked=yes"], "error[E923]: `locked=yes`: there is no such choice\nhelp: it is one of 0, 1"),
    (["generator=magic"], "error[E923]: `generator=magic`: there is no such choice"),
    (["locked=1", "lock=update"], "error[E923]: `locked=1` takes what is locked, and `lock=` writes it"),
])
def test_wrong_choices(project: Project, arguments: list[str], message: str) -> None:
    ran = project.scons("target=arm64", *arguments)
    assert ran.status == 2
    assert message in ran.err
    assert not (project.folder / "build").exists()


def test_a_malformed_lock_says_where(locked: Project) -> None:
    change(locked, 'symbol = "triple"', "symbol = triple")
    ran = locked.scons("target=arm64", "-k")
    assert ran.status == 2
    assert re.search(r"intents\.lock:\d+:\d+: error\[E920\]", ran.err)
    change(locked, "[[code]]", "<<<<<<< ours\n[[code]]")
    ran = locked.scons("target=arm64")
    assert ran.status == 2
    assert "an unresolved merge conflict" in ran.err


def test_nothing_is_written_without_being_asked(project: Project) -> None:
    project.build("target=arm64")
    assert not (project.folder / "intents.lock").exists()
    project.scons("-n", "target=arm64", "lock=update")
    assert not (project.folder / "intents.lock").exists()


def test_a_program_in_c_with_locked_intents(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("SConstruct", """\
import intent_tool
env = Environment(tools=["default", intent_tool.generate])
env.Program("main", ["main.c", "triple.intent"])
""")
    project.write("triple.intent", TRIPLE)
    project.write("main.c", MAIN)
    ran = project.scons("locked=1")
    assert ran.status == 2
    assert "no code for `triple` on" in ran.err
    project.build("lock=update")
    assert 'intent = "triple.intent"' in lock(project)
    project.build("locked=1")

"""What the judge's meanings of instructions promise besides being right (test_semantics.py): conditions come down to
single comparisons, faults are named, addresses are asked for, and what is not understood is refused."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from after_lines import HERE, After, targets
from instruction_lines import BY_NAME, instance
from symbolic_instances import Recorded, execute

from intent_tool.judge.bitvector import Graph, Term, evaluate, signed, variables
from intent_tool.judge.refusal import Refused
from intent_tool.judge.semantics import Instruction, Semantics, isa_of

Relation = Callable[[Graph, Term, Term], Term]
_RELATIONS: dict[str, Relation] = {
    "equal": lambda g, a, b: g.eq(a, b), "below": lambda g, a, b: g.ult(a, b), "less": lambda g, a, b: g.slt(a, b),
    "above": lambda g, a, b: g.ult(b, a), "greater": lambda g, a, b: g.slt(b, a),
}
X86_64 = {"e": ("equal", True), "ne": ("equal", False), "b": ("below", True), "ae": ("below", False),
          "be": ("above", False), "a": ("above", True), "l": ("less", True), "ge": ("less", False),
          "le": ("greater", False), "g": ("greater", True)}
ARM64 = {"eq": X86_64["e"], "ne": X86_64["ne"], "lo": X86_64["b"], "hs": X86_64["ae"], "ls": X86_64["be"],
         "hi": X86_64["a"], "lt": X86_64["l"], "ge": X86_64["ge"], "le": X86_64["le"], "gt": X86_64["g"]}
"""What each condition says after a comparison of two values."""


def relation(graph: Graph, meaning: tuple[str, bool], a: Term, b: Term) -> Term:
    name, holds = meaning
    term = _RELATIONS[name](graph, a, b)
    return term if holds else graph.not_(term)


X86_64_COMPARES = {
    "cmp rsi, rdi": (64, None), "cmp esi, edi": (32, None), "cmp si, di": (16, None), "cmp sil, dil": (8, None),
    "cmp esi, 5": (32, 5), "cmp rsi, -5": (64, -5), "cmp esi, 0": (32, 0), "test rsi, rsi": (64, 0),
    "test esi, esi": (32, 0), "sub rsi, rdi": (64, None), "cmp sil, 127": (8, 127), "or esi, esi": (32, 0),
    "and rsi, rsi": (64, 0),
}
ARM64_COMPARES = {
    "cmp x3, x4": (64, None), "cmp w3, w4": (32, None), "subs w5, w3, w4": (32, None), "cmp x3, #5": (64, 5),
    "cmn w3, #5": (32, -5), "cmn x3, #1": (64, -1), "cmp w3, #0": (32, 0), "cmp x3, #1, lsl #12": (64, 4096),
}


@pytest.mark.parametrize("compare", X86_64_COMPARES)
@pytest.mark.parametrize("condition", X86_64)
def test_x86_64_conditions_are_single_comparisons(compare: str, condition: str) -> None:
    width, number = X86_64_COMPARES[compare]
    for use in (f"j{condition} .Lt", f"set{condition} al", f"cmov{condition} eax, ecx"):
        after = After("x86_64", compare, use)
        graph = after.graph
        a = after.low("rsi", width)
        b = after.low("rdi", width) if number is None else graph.const(number, width)
        wanted = relation(graph, X86_64[condition], a, b)
        if use.startswith("j"):
            assert after.step.condition is wanted
            assert after.step.destination == HERE
        elif use.startswith("set"):
            assert graph.extract(after.state["rax"], 7, 0) is graph.zext(wanted, 8)
        else:
            assert after.state["rax"] is graph.zext(graph.ite(wanted, after.low("rcx", 32), after.low("rax", 32)), 64)


@pytest.mark.parametrize("compare", ARM64_COMPARES)
@pytest.mark.parametrize("condition", ARM64)
def test_arm64_conditions_are_single_comparisons(compare: str, condition: str) -> None:
    width, number = ARM64_COMPARES[compare]
    for use in (f"b.{condition} .Lt", f"cset x0, {condition}", f"csel w0, w1, w2, {condition}"):
        after = After("arm64", compare, use)
        graph = after.graph
        a = after.low("x3", width)
        b = after.low("x4", width) if number is None else graph.const(number, width)
        wanted = relation(graph, ARM64[condition], a, b)
        if use.startswith("b."):
            assert after.step.condition is wanted
            assert after.step.destination == HERE
        elif use.startswith("cset"):
            assert after.state["x0"] is graph.zext(wanted, 64)
        else:
            assert after.state["x0"] is graph.zext(graph.ite(wanted, after.low("x1", 32), after.low("x2", 32)), 64)


@pytest.mark.parametrize("first", ["ne", "lt", "hi"])
@pytest.mark.parametrize("nzcv", range(16))
@pytest.mark.parametrize("condition", ARM64)
def test_conditional_compares_are_two_comparisons(first: str, nzcv: int, condition: str) -> None:
    """`ccmp` leaves one comparison where the first condition holds, and a constant where it does not."""
    after = After("arm64", "cmp w0, w1", f"ccmp w3, #3, #{nzcv}, {first}", f"b.{condition} .Lt")
    graph = after.graph
    holds = relation(graph, ARM64[first], after.low("x0", 32), after.low("x1", 32))
    compared = relation(graph, ARM64[condition], after.low("x3", 32), graph.const(3, 32))
    n, z, c, v = (nzcv >> place & 1 for place in (3, 2, 1, 0))
    otherwise = {"equal": z, "below": 1 - c, "above": c & 1 - z, "less": n ^ v, "greater": (1 - z) & 1 - (n ^ v)}
    name, sense = ARM64[condition]
    given = graph.const(otherwise[name] if sense else 1 - otherwise[name], 1)
    assert after.step.condition is graph.ite(holds, compared, given)


def test_riscv64_conditions_are_single_comparisons() -> None:
    for name, meaning in {"beq": X86_64["e"], "bne": X86_64["ne"], "blt": X86_64["l"], "bge": X86_64["ge"],
                          "bltu": X86_64["b"], "bgeu": X86_64["ae"]}.items():
        after = After("riscv64", f"{name} a0, a1, .Lt")
        assert after.step.condition is relation(after.graph, meaning, after.before["a0"], after.before["a1"])
    after = After("riscv64", "slt a0, a1, a2", "bnez a0, .Lt")
    assert after.step.condition is after.graph.slt(after.before["a1"], after.before["a2"])


def test_comparisons_of_extended_values_are_narrow() -> None:
    after = After("x86_64", "movsx esi, sil", "movsx edi, dil", "cmp esi, edi", "jle .Lt")
    assert after.step.condition is relation(after.graph, X86_64["le"], after.low("rsi", 8), after.low("rdi", 8))
    after = After("arm64", "and w3, w3, #255", "cmp w3, w4, uxtb", "b.lt .Lt")
    assert after.step.condition is after.graph.ult(after.low("x3", 8), after.low("x4", 8))


def test_ones_are_counted_as_one_term() -> None:
    """The vector detour of ARM64 is the number of ones of the general register."""
    for line in ("addv b0, v0.8b", "uaddlv h0, v0.8b"):
        after = After("arm64", "fmov d0, x1", "cnt v0.8b, v0.8b", line, "fmov w0, s0")
        assert after.state["x0"] is after.graph.popcount(after.before["x1"])


# Faults and durations

@pytest.mark.parametrize("line", [f"{name} {register}" for name in ("div", "idiv")
                                  for register in ("bl", "bx", "ebx", "rbx")])
def test_division_faults(line: str) -> None:
    """#DE for a divisor of 0, and when the quotient does not fit (SDM, DIV and IDIV)."""
    after = After("x86_64", line)
    width = {"bl": 8, "bx": 16, "ebx": 32, "rbx": 64}[line.split()[1]]
    rng = random.Random(line)
    conditions = [condition for condition, _ in after.step.traps]
    assert [what for _, what in after.step.traps] == ["division by zero", "the quotient does not fit"]
    seen = set()
    for _ in range(3000):
        values = {name: rng.choice([0, 1, 2, 3, -1, -2, 1 << (width - 1), -(1 << (width - 1)), rng.getrandbits(64),
                                    rng.getrandbits(width)]) & (1 << 64) - 1 for name in ("rax", "rdx", "rbx")}
        full = (1 << width) - 1
        divisor = values["rbx"] & full
        dividend = values["rax"] & 0xffff if width == 8 else (values["rdx"] & full) << width | values["rax"] & full
        low, high = 0, full
        if line.startswith("idiv"):
            dividend, divisor = signed(dividend, 2 * width), signed(divisor, width)
            low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
        overflows = False
        if divisor:
            quotient = abs(dividend) // abs(divisor) * (1 if (dividend < 0) == (divisor < 0) else -1)
            overflows = not low <= quotient <= high
        assert evaluate(conditions, values) == [int(divisor == 0), int(overflows)], values
        seen.add((divisor == 0, overflows))
    assert len(seen) == 3


def test_division_by_what_is_extended_is_narrow() -> None:
    """The usual way to divide: no double width, and no fault but the divisor's."""
    after = After("x86_64", "xor edx, edx", "div ecx")
    assert after.state["rax"] is after.graph.zext(after.graph.udiv(after.low("rax", 32), after.low("rcx", 32)), 64)
    after = After("x86_64", "cdq", "idiv ecx")
    assert after.state["rax"] is after.graph.zext(after.graph.sdiv(after.low("rax", 32), after.low("rcx", 32)), 64)
    after = After("x86_64", "cqo", "idiv rcx")
    assert after.state["rdx"] is after.graph.srem(after.before["rax"], after.before["rcx"])


@pytest.mark.parametrize(("isa", "line", "registers"), [
    ("x86_64", "div rbx", ("rax", "rbx", "rdx")), ("x86_64", "idiv rbx", ("rax", "rbx", "rdx")),
    ("arm64", "udiv x0, x1, x2", ("x1", "x2")), ("arm64", "sdiv x0, x1, x2", ("x1", "x2")),
    *(("riscv64", f"{name} a0, a1, a2", ("a1", "a2"))
      for name in ("div", "divu", "rem", "remu")),
])
def test_divisions_take_time_by_their_operands(isa: str, line: str, registers: tuple[str, ...]) -> None:
    after = After(isa, line)
    assert {*after.step.timing} == {after.before[name] for name in registers}


# Addresses

@pytest.mark.parametrize(("isa", "line", "address"), [
    ("x86_64", "lea rax, [rip + 16]", HERE + 7 + 16), ("x86_64", "mov eax, dword ptr [rip + 16]", HERE + 6 + 16),
    ("x86_64", "shl dword ptr [rip + 16], 3", HERE + 7 + 16), ("x86_64", "add byte ptr [rip - 9], 3", HERE + 7 - 9),
    ("x86_64", "add byte ptr [rip - 0x7fffffff], 3", HERE + 7 - 0x7fff_ffff & (1 << 64) - 1),
    ("arm64", "adr x0, #16", HERE + 16), ("arm64", "adrp x0, #0x3000", HERE + 0x3000),
    ("riscv64", "auipc a0, 1", HERE + 0x1000),
])
def test_addresses_that_count_from_the_instruction_are_asked_for(isa: str, line: str, address: int) -> None:
    graph = Graph()
    semantics = Semantics(targets()[BY_NAME[isa].full_target], graph)
    # keystone takes the number of an `adr` as an absolute address.
    code = BY_NAME[isa].assemble(line, 0 if isa == "arm64" else HERE, 0)
    asked = []

    def locate(instruction: Instruction, at: int) -> Term:
        assert instruction.pc_relative
        asked.append(at)
        return graph.var("place", 64)

    semantics.locate = locate
    state = {name: graph.var(name, width) for name, width in semantics.registers}
    memory = Recorded(graph)
    semantics.execute(semantics.lift(code, HERE)[HERE], state, memory)
    assert {*asked} == {address}
    used = [a for a, _ in (*memory.loads, *memory.stores)]
    result = state[{"x86_64": "rax", "arm64": "x0", "riscv64": "a0"}[isa]]
    assert all(a is graph.var("place", 64) for a in used or [result])


def test_other_instructions_are_not_relative() -> None:
    for isa, line in (("x86_64", "mov rax, 0x400000"), ("arm64", "mov x0, #0x400000"), ("riscv64", "lui a0, 1")):
        code = BY_NAME[isa].assemble(line, HERE, 0)
        assert not execute(targets()[BY_NAME[isa].full_target], code, HERE).instruction.pc_relative


# Refusals

@pytest.mark.parametrize(("target", "code", "why"), [
    ("x86_64", "b8010000", "no whole instruction"), ("x86_64", "0f", "no whole instruction"),
    ("arm64", "000080", "no whole instruction"), ("riscv64", "13", "no whole instruction"),
    ("riscv64", "138505", "no whole instruction"), ("x86_64", "b80100000000", "no whole instruction"),
    ("x86_64", "ffe0", "jmp r64"), ("x86_64", "ff20", "jmp m64"), ("x86_64", "e800000000", "`call`"),
    ("x86_64", "0f05", "(syscall)"), ("x86_64", "0fa2", "`cpuid`"), ("x86_64", "f00fc108", "`lock xadd`"),
    ("x86_64", "a100000000000000", "no whole instruction"), ("x86_64", "8b042500100000", "mov r32, ?"),
    ("x86_64", "0fa301", "(bt m32, r32)"), ("x86_64", "f30fbcc1", "`tzcnt`"), ("x86_64", "c20800", "(ret i)"),
    ("x86_64", "f20f58c1", "`addsd`"), ("x86_64", "648b00", "mov r32, ?"), ("x86_64", "678b00", "mov r32, ?"),
    ("x86_64", "66c3", "with a prefix"), ("x86_64", "f3c3", "`repz ret`"), ("x86_64", "66683412", "with a prefix"),
    ("x86_64", "6658", "pop r16"), ("x86_64", "0f95", "no whole instruction"),
    ("arm64", "20001fd6", "`br`"), ("arm64", "010000d4", "(svc i)"), ("arm64", "2028221e", "`fadd`"),
    ("arm64", "20005fd6", "(ret x)"), ("arm64", "00000058", "(ldr x, i)"), ("arm64", "20008052 2000", "no whole"),
    ("riscv64", "67000300", "jalr"), ("riscv64", "73000000", "(ecall)"), ("riscv64", "ef000000", "jal ra"),
    ("riscv64", "3325b620", "`sh1add`"), ("riscv64", "af25a500", "no whole instruction"),
    ("riscv64", "53f5c502", "no whole instruction"),
])
def test_what_is_not_understood_is_refused(target: str, code: str, why: str) -> None:
    with pytest.raises(Refused) as refused:
        Semantics(targets()[target], Graph()).lift(bytes.fromhex(code), HERE)
    assert why in str(refused.value)


def test_all_problems_are_said_with_their_places() -> None:
    with pytest.raises(Refused) as refused:
        Semantics(targets()["x86_64"], Graph()).lift(bytes.fromhex("90ffe00f05"), HERE)
    assert [p.partition(",")[0] for p in refused.value.problems] == ["at offset 0x1", "at offset 0x3"]


def test_instructions_are_found_by_their_address() -> None:
    lifted = Semantics(targets()["riscv64"], Graph()).lift(bytes.fromhex("0505 13050500 8280"), HERE)
    assert {a: (i.address, i.size, i.mnemonic) for a, i in lifted.items()} == {
        HERE: (HERE, 2, "addi"), HERE + 2: (HERE + 2, 4, "addi"), HERE + 6: (HERE + 6, 2, "jalr")}


NOT_IN_FUNCTIONS = {"syscall", "call", "svc", "bl", "ecall"}
NEVER_NAMED = {"ubfm", "sbfm", "bfm", "uxtw"}
"""capstone always gives one of their aliases."""


def test_every_instruction_of_the_targets_has_a_form() -> None:
    for target in targets().values():
        assert target.lifter == f"pypcode {isa_of(target.isa).language.name}"
        having = {form.split()[0] for form in isa_of(target.isa).forms}
        assert target.instructions - having <= NOT_IN_FUNCTIONS | NEVER_NAMED
        known = frozenset[str]().union(*(t.instructions for t in targets().values() if t.isa == target.isa))
        assert having <= known


# Flags

def test_flags_that_nothing_reads_are_not_computed() -> None:
    after = After("x86_64", "add eax, ecx", "sub eax, edx", "ret")
    assert all(after.state[flag] is after.before[flag] for flag in ("cf", "zf", "sf", "of", "pf"))
    after = After("x86_64", "add eax, ecx", "sub eax, edx", "setb al", "ret")
    assert after.state["cf"] is not after.before["cf"]
    assert after.state["of"] is after.before["of"]


def test_flags_are_kept_for_every_way_on() -> None:
    """A backward branch, and the flags of before the loop."""
    code = bytes.fromhex("39c8 7502 ffc1 72fc c3")  # cmp eax, ecx; jne +2; inc ecx; jb -4 (to inc); ret
    lifted = Semantics(targets()["x86_64"], Graph()).lift(code, HERE)
    assert lifted[HERE].live == {"zf", "cf"}
    assert lifted[HERE + 4].live == {"cf"}
    assert lifted[HERE + 6].live == {"cf"}


@pytest.mark.parametrize("seed", range(30))
def test_leaving_out_flags_changes_nothing(seed: int) -> None:
    """Straight-line code as a whole, and each of its instructions alone, after which every flag counts."""
    rng = random.Random(seed)
    isa = rng.choice(["x86_64", "arm64"])
    forms = {
        "x86_64": ["add r32, r32", "sub r64, r64", "cmp r32, i", "adc r64, r64", "sbb r32, i", "inc r32", "dec r8",
                   "neg r64", "test r32, r32", "setb r8", "cmovl r32, r32", "setp r8", "cmc", "shl r32, i",
                   "cmovo r64, r64", "mov r32, r32", "xor r16, r16", "sets r8", "popcnt r32, r32", "rcl r32, i"],
        "arm64": ["adds w, w, w", "subs x, x, i", "cmp w, w", "adcs x, x, x", "sbc w, w, w", "ands x, x, x",
                  "csel x, x, x, cc", "ccmp w, i, i, cc", "cset w, cc", "cinc x, x, cc", "mov x, x", "tst w, w"],
    }[isa]
    codes: list[bytes] = []
    while len(codes) < 12:
        code = instance(BY_NAME[isa], rng.choice(forms), rng, HERE, HERE, HERE)
        if code is not None:
            codes.append(code)
    graph = Graph()
    semantics = Semantics(targets()[BY_NAME[isa].full_target], graph)
    together = {name: graph.var(name, width) for name, width in semantics.registers}
    alone = dict(together)
    end = bytes.fromhex({"x86_64": "c3", "arm64": "c0035fd6"}[isa])
    for instruction in list(semantics.lift(b"".join([*codes, end]), HERE).values())[:-1]:
        semantics.execute(instruction, together, Recorded(graph))
    for code in codes:
        (instruction,) = semantics.lift(code, HERE).values()
        assert instruction.live == semantics.isa.flags
        semantics.execute(instruction, alone, Recorded(graph))
    for name, width in semantics.registers:
        if width == 64:
            rename = [variables([state[name]]) for state in (together, alone)]
            if not any(v.startswith("undefined.") for found in rename for v in found):
                assert together[name] is alone[name]


def test_a_new_undefined_flag_is_a_new_variable() -> None:
    after = After("x86_64", "imul rax, rcx", "sete dl", "imul rax, rcx", "sete dh")
    low = after.graph.extract(after.state["rdx"], 0, 0)
    high = after.graph.extract(after.state["rdx"], 8, 8)
    assert low.op == high.op == "var"
    assert low is not high


def test_step_of_a_return() -> None:
    after = After("arm64", "ret")
    assert after.step.target is after.before["x30"]
    after = After("riscv64", "ret")
    assert after.step.target is after.before["ra"]
    graph = Graph()
    memory = Recorded(graph)
    semantics = Semantics(targets()["x86_64"], graph)
    state = {name: graph.var(name, width) for name, width in semantics.registers}
    step = semantics.execute(semantics.lift(b"\xc3", HERE)[HERE], state, memory)
    assert memory.loads == [(graph.var("rsp", 64), 8)]
    assert step.target is graph.var("memory.0", 64)
    assert state["rsp"] is graph.add(graph.var("rsp", 64), graph.const(8, 64))



"""Vector instructions in functions: what comes out of vector registers folds, proofs go through, and what may not be
is refused. That the meanings are right is test_semantics.py's."""

from __future__ import annotations

from pathlib import Path

import after_lines
import pytest
from after_lines import HERE, targets
from judge_objects import function_object
from symbolic_instances import Recorded

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.decode import Surroundings, decode
from intent_tool.judge.judge import judge_function
from intent_tool.judge.prove import prove_function
from intent_tool.judge.refusal import Refused
from intent_tool.judge.semantics import Semantics
from intent_tool.judge.verdict import Verdict
from intent_tool.language.load import load_text


class Bytes(Recorded):
    """Memory whose loads are made of one variable for each byte, and that remembers bytes stored."""

    def load(self, address: Term, size: int) -> Term:
        self.loads.append((address, size))
        value = self.byte(len(self.loads) - 1, 0)
        for at in range(1, size):
            value = self.graph.concat(self.byte(len(self.loads) - 1, at), value)
        return value

    def byte(self, load: int, at: int) -> Term:
        return self.graph.var(f"byte.{load}.{at}", 8)

    def stored(self) -> list[Term]:
        ((_, value),) = self.stores
        return [self.graph.extract(value, low + 7, low) for low in range(0, value.width, 8)]


class After(after_lines.After):
    """With such memory."""

    memory: Bytes

    def __init__(self, isa: str, *lines: str) -> None:
        super().__init__(isa, *lines, memory=Bytes)


COPIES = {
    "SSE2": ("x86_64", "movdqu xmm3, xmmword ptr [rdi]", "movdqa xmm4, xmm3", "movups xmmword ptr [rsi], xmm4"),
    "AVX2": ("x86_64", "vmovdqu ymm3, ymmword ptr [rdi]", "vmovdqu ymmword ptr [rsi], ymm3"),
    "halves": ("x86_64", "vmovdqu ymm3, ymmword ptr [rdi]", "vextracti128 xmm1, ymm3, 1",
               "vinserti128 ymm3, ymm3, xmm1, 1", "vmovdqu ymmword ptr [rsi], ymm3"),
    "quarters": ("x86_64", "movq xmm0, qword ptr [rdi]", "movq rax, xmm0", "movq xmm1, rax",
                 "movq qword ptr [rsi], xmm1"),
    "turned": ("x86_64", "movdqu xmm0, xmmword ptr [rdi]", "pshufd xmm1, xmm0, 0x1b", "pshufd xmm2, xmm1, 0x1b",
               "movdqu xmmword ptr [rsi], xmm2"),
    "apart": ("x86_64", "vmovdqu ymm0, ymmword ptr [rdi]", "vpxor xmm1, xmm1, xmm1", "vpunpcklbw ymm2, ymm0, ymm1",
              "vpunpckhbw ymm3, ymm0, ymm1", "vpackuswb ymm4, ymm2, ymm3", "vmovdqu ymmword ptr [rsi], ymm4"),
    "NEON": ("arm64", "ldr q3, [x0], #16", "mov v4.16b, v3.16b", "str q4, [x1, x2]"),
    "reversed": ("arm64", "ld1 {v0.16b}, [x0]", "rev64 v1.16b, v0.16b", "rev64 v1.16b, v1.16b",
                 "ext v2.16b, v1.16b, v1.16b, #8", "ext v2.16b, v2.16b, v2.16b, #8", "st1 {v2.16b}, [x1]"),
    "narrowed": ("arm64", "ldr d0, [x0]", "ushll v1.8h, v0.8b, #0", "xtn v2.8b, v1.8h", "str d2, [x1]"),
}


@pytest.mark.parametrize("name", COPIES)
def test_what_is_loaded_is_stored(name: str) -> None:
    isa, *lines = COPIES[name]
    after = After(isa, *lines)
    assert all(term is after.memory.byte(0, at) for at, term in enumerate(after.memory.stored()))


SUMS = {
    "SSE2": ("x86_64", "movdqu xmm0, xmmword ptr [rdi]", "movdqu xmm1, xmmword ptr [rsi]", "paddb xmm0, xmm1",
             "movdqu xmmword ptr [rdx], xmm0"),
    "AVX2": ("x86_64", "vmovdqu ymm0, ymmword ptr [rdi]", "vpaddb ymm0, ymm0, ymmword ptr [rsi]",
             "vmovdqu ymmword ptr [rdx], ymm0"),
    "NEON": ("arm64", "ldr q0, [x0]", "ldr q1, [x1]", "add v0.16b, v0.16b, v1.16b", "str q0, [x2]"),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_bytes_are_sums_of_bytes(name: str) -> None:
    isa, *lines = SUMS[name]
    after = After(isa, *lines)
    memory = after.memory
    assert all(term is after.graph.add(memory.byte(0, at), memory.byte(1, at))
               for at, term in enumerate(memory.stored()))


def test_a_mask_of_equal_bytes_is_its_comparisons() -> None:
    after = After("x86_64", "movdqu xmm0, xmmword ptr [rdi]", "pxor xmm1, xmm1", "pcmpeqb xmm0, xmm1",
                  "pmovmskb eax, xmm0")
    g = after.graph
    for at in range(16):
        assert g.extract(after.state["rax"], at, at) is g.eq(after.memory.byte(0, at), g.const(0, 8))
    after = After("arm64", "ldr q0, [x0]", "cmeq v0.16b, v0.16b, #0", "shrn v0.8b, v0.8h, #4", "fmov x0, d0")
    g = after.graph
    for at in range(16):
        assert g.extract(after.state["x0"], 4 * at, 4 * at) is g.eq(after.memory.byte(0, at), g.const(0, 8))


def test_a_sum_of_bytes_is_one_sum() -> None:
    after = After("x86_64", "movdqu xmm0, xmmword ptr [rdi]", "pxor xmm1, xmm1", "psadbw xmm0, xmm1",
                  "pshufd xmm1, xmm0, 0xee", "paddq xmm0, xmm1", "movq rax, xmm0")
    g = after.graph
    wanted = g.linear([(1, g.zext(after.memory.byte(0, at), 64)) for at in range(16)], 0, 64)
    assert after.state["rax"] is wanted
    after = After("arm64", "ldr q0, [x0]", "uaddlv h0, v0.16b", "fmov w0, s0")
    g = after.graph
    wanted = g.linear([(1, g.zext(after.memory.byte(0, at), 64)) for at in range(16)], 0, 64)
    assert after.state["x0"] is wanted


@pytest.mark.parametrize("lines", [
    ("pcmpgtb xmm0, xmm1", "movdqa xmm4, xmm0", "pand xmm4, xmm2", "pandn xmm0, xmm3", "por xmm0, xmm4"),
    ("vpcmpgtb xmm0, xmm0, xmm1", "vpblendvb xmm0, xmm3, xmm2, xmm0"),
])
def test_a_choice_by_masks_is_a_choice(lines: tuple[str, ...]) -> None:
    after = After("x86_64", *lines)
    g = after.graph
    for low in range(0, 128, 8):
        a, b, then, otherwise = (g.extract(g.var(f"ymm{n}", 256), low + 7, low) for n in range(4))
        assert g.extract(after.state["ymm0"], low + 7, low) is g.ite(g.slt(b, a), then, otherwise)


def test_upper_halves() -> None:
    after = After("x86_64", "paddb xmm0, xmm1", "vpaddb xmm2, xmm2, xmm1", "vmovd xmm3, eax")
    g = after.graph
    assert g.extract(after.state["ymm0"], 255, 128) is g.extract(g.var("ymm0", 256), 255, 128)
    assert g.extract(after.state["ymm2"], 255, 128) is g.const(0, 128)
    assert g.extract(after.state["ymm3"], 255, 32) is g.const(0, 224)
    after = After("x86_64", "vzeroupper")
    assert all(g.extract(after.state[f"ymm{n}"], 127, 0).op == "extract" for n in range(16))


# Refusals

@pytest.mark.parametrize(("target", "code", "why"), [
    ("x86_64", "660ffc07", "paddb r128, m128"), ("x86_64", "660f6f07", "movdqa r128, m128"),
    ("x86_64", "c5f9fcc1", "`vpaddb` is not among"), ("x86_64", "c5f877", "`vzeroupper` is not among"),
    ("x86_64", "660f3800c1", "`pshufb` is not among"), ("x86_64", "0ffcc1", "paddb ?"),
    ("x86_64", "660f58c1", "`addpd` is not among"), ("x86_64", "660fe707", "`movntdq` is not among"),
    ("x86_64_v3", "660f3800c1", "`pshufb` is not among"), ("x86_64_v3", "62f17d48fcc1", "vpaddb ?"),
    ("x86_64_v3", "c5fdf1c1", "vpsllw r256, r256, r128"),
    ("arm64", "20d4214e", "`fadd`"), ("arm64", "2080a14f", "mul v.4s, v.4s, v.s[i]"), ("arm64", "2000034e", ""),
])
def test_what_is_not_understood_is_refused(target: str, code: str, why: str) -> None:
    semantics = Semantics(targets()[target], Graph())
    if not why:
        semantics.lift(bytes.fromhex(code), HERE)
        return
    with pytest.raises(Refused) as refused:
        semantics.lift(bytes.fromhex(code), HERE)
    assert why in str(refused.value)


@pytest.mark.parametrize(("target", "code", "why"), [
    # Two mandatory prefixes, none where one is needed, a meaningless one.
    ("x86_64", "66f30f6f07", "prefix is not accepted"), ("x86_64", "f2660ffcc1", ""),
    ("x86_64", "660f1007", ""), ("x86_64", "6666 0ffcc1", "repeated"), ("x86_64", "64660ffcc1", "fs segment"),
    # VEX.L, VEX.W, VEX.vvvv.
    ("x86_64_v3", "c5fdfcc1", None), ("x86_64_v3", "c5f877", None), ("x86_64_v3", "c5fc77", "vzeroall"),
    ("x86_64_v3", "c5fd6ec0", ""), ("x86_64_v3", "c5f16ec0", ""), ("x86_64_v3", "c4e2f978c1", ""),
    ("x86_64_v3", "c4e37900c11b", ""), ("x86_64_v3", "c4e27178c1", ""), ("x86_64_v3", "c4e179fcc1", None),
    ("x86_64_v3", "c5f1d7c1", ""), ("x86_64_v3", "66c5f9fcc1", ""), ("x86_64_v3", "c4e1f9fcc1", None),
    ("arm64", "0001271e", None), ("arm64", "0085284e", "register v8"), ("arm64", "0dc0dd3c", ""),
    # Post-indexed from the stack pointer: by 16, by 8, by a register.
    ("arm64", "e073df4c", None), ("arm64", "e073df0c", "multiple of 16"), ("arm64", "e073c24c", "multiple of 16"),
    ("arm64", "e087c03c", "multiple of 16"), ("arm64", "0004c13c", None), ("arm64", "000440f8", ""),
])
def test_encodings_that_processors_refuse_are_refused(target: str, code: str, why: str | None) -> None:
    """None: this one is accepted. Empty: refused in whatever words."""
    decoded = decode(bytes.fromhex(code), Surroundings(targets()[target], HERE))
    objections = [o for d in decoded for o in d.objections]
    unknown = [d.mnemonic for d in decoded if d.mnemonic not in targets()[target].instructions]
    if why is None:
        assert not objections and not unknown
    else:
        assert any(why in each for each in [*objections, *unknown]), (decoded, objections)


# Whole functions

SUM = """
intent: Sum of 32 bytes.
signature: uint32_t sum32(const uint8_t data[32])
returns: sum(data)
"""
CODE = {
    "x86_64": "sum32:\nmovdqu xmm0, [rdi]\nmovdqu xmm1, [rdi + 16]\npxor xmm2, xmm2\npsadbw xmm0, xmm2\n"
              "psadbw xmm1, xmm2\npaddq xmm0, xmm1\npshufd xmm1, xmm0, 0xee\npaddq xmm0, xmm1\nmovd eax, xmm0\nret",
    "x86_64_v3": "sum32:\nvpxor xmm2, xmm2, xmm2\nvpsadbw ymm0, ymm2, [rdi]\nvextracti128 xmm1, ymm0, 1\n"
                 "vpaddq xmm0, xmm0, xmm1\nvpshufd xmm1, xmm0, 0xee\nvpaddq xmm0, xmm0, xmm1\nvmovd eax, xmm0\n"
                 "vzeroupper\nret",
    "arm64": "sum32:\nldp q0, q1, [x0]\nuaddlp v0.8h, v0.16b\nuadalp v0.8h, v1.16b\nuaddlv s0, v0.8h\nfmov w0, s0\n"
             "ret",
}


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENT_PROOFS", str(tmp_path / "proofs"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def judged(name: str, intent: str, assembly: str) -> Verdict:
    target = targets()[name]
    contract = load_text(intent)
    return judge_function(contract, target, function_object(assembly, target.isa, contract.name), contract.name,
                          seconds=5.0)


@pytest.mark.parametrize("name", CODE)
def test_a_sum_is_proved(name: str) -> None:
    verdict = judged(name, SUM, CODE[name])
    assert verdict.accepted and verdict.evidence == "proved", verdict
    assert ("unicorn" in verdict.emulators) == (name != "x86_64_v3")
    assert any("unicorn has no `v" in each for each in verdict.unchecked) == (name == "x86_64_v3")


@pytest.mark.parametrize(("name", "old", "new", "problem"), [
    ("x86_64", "[rdi + 16]", "[rdi + 17]", "reads past the end of data"),
    ("x86_64_v3", "[rdi]", "[rdi + 1]", "reads past the end of data"),
    ("x86_64_v3", "[rdi]", "[rdi - 1]", "reads before the start of data"),
    ("arm64", "[x0]", "[x0, #16]", "reads past the end of data"),
    ("x86_64", "pxor xmm2, xmm2\n", "", "must be"), ("x86_64_v3", "vpxor xmm2, xmm2, xmm2\n", "", "must be"),
    ("arm64", "uaddlp v0.8h, v0.16b", "uadalp v2.8h, v0.16b\nmov v0.16b, v2.16b", "must be"),
])
def test_a_wrong_sum_is_refused(name: str, old: str, new: str, problem: str) -> None:
    """Both by the tests and by the proof alone."""
    assembly = CODE[name].replace(old, new)
    assert not judged(name, SUM, assembly).accepted
    contract, target = load_text(SUM), targets()[name]
    proof = prove_function(contract, target, function_object(assembly, target.isa, contract.name), contract.name)
    assert proof.status == "refuted" and problem in proof.problems[0], proof


@pytest.mark.parametrize(("name", "assembly"), [
    ("x86_64", "add:\nlea eax, [rdi + rsi]\nmovd ecx, xmm5\ncmp ecx, 0x12345678\nsete cl\nmovzx ecx, cl\n"
               "add eax, ecx\nret"),
    ("x86_64_v3", "add:\nlea eax, [rdi + rsi]\nvextracti128 xmm13, ymm13, 1\nvpextrw ecx, xmm13, 7\n"
                  "cmp ecx, 0x1234\nsete cl\nmovzx ecx, cl\nadd eax, ecx\nret"),
    ("arm64", "add:\nadd w0, w0, w1\nmov w2, v20.s[3]\nmovz w3, #0x1234\ncmp w2, w3\ncinc w0, w0, eq\nret"),
])
def test_junk_in_vector_registers_is_replayed(name: str, assembly: str) -> None:
    """What only one content of a vector register shows is found by the proof, and shown by the emulator."""
    intent = "intent: Sum.\nsignature: uint32_t add(uint32_t a, uint32_t b)\nreturns: u32(a + b)\n"
    verdict = judged(name, intent, assembly)
    assert not verdict.accepted and "must be" in verdict.problems[0], verdict
    assert all("fault of the tool" not in each for each in verdict.problems), verdict


def test_vectors_of_the_caller_are_refused() -> None:
    verdict = judged("arm64", SUM, CODE["arm64"].replace("q1", "q8").replace("v1.", "v8."))
    assert not verdict.accepted and "register q8 is not accepted" in " ".join(verdict.problems)

"""What each target can do with vectors in one instruction, or nearly so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intent_tool.machine.target import Target

_ALL = (8, 16, 32, 64)
_TO_WORD = (8, 16, 32)
_SHORT = (8, 16)

_SSE2: Mapping[str, tuple[int, ...]] = {
    "v_mul": (16, 32), "v_min_u": (8,), "v_max_u": (8,), "v_min_s": (16,), "v_max_s": (16,),
    "v_add_us": _SHORT, "v_sub_us": _SHORT, "v_add_ss": _SHORT, "v_sub_ss": _SHORT, "v_avg": _SHORT,
    "v_eq": _TO_WORD, "v_gt_s": _TO_WORD, "v_mulhi_u": (16,), "v_mulhi_s": (16,),
    "v_shl": (16, 32, 64), "v_lshr": (16, 32, 64), "v_ashr": (16, 32), "v_bswap": (16, 32, 64),
    "v_pack_us": (8,), "v_pack_ss": _SHORT, "v_sad": (8,), "v_madd": (16,), "v_reverse": _ALL,
    "v_pack_trunc": (32,),
}
_AVX2: Mapping[str, tuple[int, ...]] = {
    **_SSE2, "v_min_u": _TO_WORD, "v_max_u": _TO_WORD, "v_min_s": _TO_WORD, "v_max_s": _TO_WORD,
    "v_eq": _ALL, "v_gt_s": _ALL, "v_abs": _TO_WORD, "v_pack_us": _SHORT, "v_lookup": (8,), "v_extend": _TO_WORD,
}
_NEON: Mapping[str, tuple[int, ...]] = {
    "v_mul": _TO_WORD, "v_min_u": _TO_WORD, "v_max_u": _TO_WORD, "v_min_s": _TO_WORD, "v_max_s": _TO_WORD,
    "v_add_us": _ALL, "v_sub_us": _ALL, "v_add_ss": _ALL, "v_sub_ss": _ALL, "v_avg": _TO_WORD,
    "v_eq": _ALL, "v_gt_s": _ALL, "v_gt_u": _ALL, "v_shl": _ALL, "v_lshr": _ALL, "v_ashr": _ALL, "v_abs": _ALL,
    "v_bswap": (16, 32, 64), "v_popcount": (8,), "v_pack_us": _TO_WORD, "v_pack_ss": _TO_WORD, "v_pairs": _TO_WORD,
    "v_reverse": _ALL, "v_low": _TO_WORD, "v_pack_trunc": _TO_WORD, "v_fold": _ALL,
    "v_abd_u": _TO_WORD, "v_abd_s": _TO_WORD,
}


@dataclass(frozen=True, slots=True)
class VectorTarget:
    bits: int
    native: Mapping[str, tuple[int, ...]]
    """By operator, the widths of lanes."""
    mask_bits: int
    """Bits of `v_mask` a byte."""
    indexed: bool
    """Whether an address may be a base, an index of any scale, and a displacement."""

    def has(self, op: str, lane: int) -> bool:
        return lane in self.native.get(op, ())


def vector_target(target: Target) -> VectorTarget | None:
    """None where loops stay scalar."""
    if target.isa == "x86_64":
        return VectorTarget(256, _AVX2, 1, True) if target.has("avx2") else VectorTarget(128, _SSE2, 1, True)
    return VectorTarget(128, _NEON, 4, False) if target.isa == "arm64" else None

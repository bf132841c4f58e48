"""The operators of the intermediate representation on vectors. A vector is a value of 128 or 256 bits.

`imm` is the lane's width in bits where no more is said. Lanes are unsigned or two's complement as the operator says;
sums and the like are modulo 2**lane. Wherever two lanes meet, they are at the same place, so that any order of the
elements will do as long as all vectors of a loop have the same one: `v_low`, `v_high` and `v_pack` work on each
128 bits by themselves, as x86-64 does, and `v_order` puts the quarters of 256 bits into the order of memory.

=========================  ==========================================================================
op                         meaning
=========================  ==========================================================================
v_load                     (address[, index]); `imm` is (displacement, bytes, scale); the lowest bytes of a
                           vector, the rest of it zero
v_store                    (value, address[, index]); `imm` is (displacement, bytes, scale): the lowest bytes
v_splat                    (word): its low bits in every lane
v_zero v_ones              all bits
v_word                     (word): the vector whose lowest 32 or 64 bits it is, else 0
v_add v_sub v_mul          lane by lane
v_min_u v_max_u v_min_s v_max_s  unsigned and signed
v_add_us v_sub_us v_add_ss v_sub_ss  saturating: unsigned and signed
v_avg                      (a + b + 1) >> 1, unsigned
v_abd_u v_abd_s            the distance of two
v_abs                      of signed lanes
v_eq v_gt_s v_gt_u         ones where it holds, else zeros
v_mulhi_u v_mulhi_s        the upper half of the product
v_and v_or v_xor v_andn    of all bits; andn is ``~a & b``. No `imm`
v_select                   (mask, a, b): bits of `a` where the mask's are ones. No `imm`
v_shl v_lshr v_ashr        `imm` is (lane, count)
v_bswap                    the bytes of each lane reversed
v_reverse                  all lanes in reverse order
v_swap                     the halves of 256 bits exchanged. No `imm`
v_down                     the lanes `imm` bits further up, and above them anything
v_first                    a word that begins with the lowest `imm` bits
v_popcount                 of lanes of 8 bits
v_lookup                   (table, indices): bytes of each 128 bits of a table by indices below 16. No `imm`
v_low v_high               `imm` is (lane, signed): the lower (upper) half of the lanes, twice as wide
v_zip_low v_zip_high       (a, b): their lanes in turn, from the lower (upper) half of both
v_extend                   `imm` is (from, to, signed): the lowest lanes, wider
v_pack                     (a, b); `imm` is (lane, how): the lanes of both, to half their width which is `lane`;
                           ``trunc``, or saturating signed values to unsigned (``us``) or signed (``ss``)
v_order                    see above. No `imm`
v_sad                      (a, b): sums of eight absolute differences of bytes, in lanes of 64 bits. No `imm`
v_madd                     (a, b): products of signed 16-bit lanes, added in pairs to 32-bit lanes. No `imm`
v_pairs                    `imm` is (lane, signed): neighbours added to lanes of twice the width
v_mask                     a word that has ones for each byte whose highest bit is set, and zeros for the others:
                           `mask_bits` a byte. The lanes' bytes must be all ones or all zeros. No `imm`
v_fold                     `imm` is (operator, lane): all lanes combined by `add`, `min_u`, … , `and`, `or`, `xor`
                           to a word, of which the lowest `lane` bits count
=========================  ==========================================================================
"""

from __future__ import annotations

from typing import Any

VECTORS = (128, 256)


def verify_vector_widths(op: str, imm: Any, widths: list[int]) -> None:
    """`widths` of results and arguments."""
    if op in ("v_load", "v_store"):
        assert widths[0] in VECTORS and imm[1] * 8 <= widths[0] and set(widths[1:]) == {64}, (op, widths)
    elif op in ("v_splat", "v_word"):
        assert widths[0] in VECTORS and widths[1] == (64 if imm == 64 else 32), (op, imm, widths)
    elif op in ("v_mask", "v_fold", "v_first"):
        assert widths[0] in (32, 64) and widths[1] in VECTORS, (op, widths)
    else:
        assert len(set(widths)) == 1 and widths[0] in VECTORS, (op, widths)

"""Every function of the gallery against an implementation that somebody wrote in another way."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from random import Random

import pytest
from references import MODULES, REFERENCES, functions_of

from intent_tool.language.contract import Contract
from intent_tool.language.load import load_intent
from intent_tool.language.oracle import Arguments, Oracle
from intent_tool.language.samples import sample_inputs

GALLERY = Path(__file__).parents[2] / "intents"
FUNCTIONS = sorted(p for p in GALLERY.rglob("*.intent") if p.parent.name != "programs")
COUNT = 1000
"""Inputs tried for each function: those of the examples, boundary values and their pairs, random ones."""


def according_to_reference(contract: Contract, given: Arguments) -> tuple[object, dict[str, tuple[int, ...]]]:
    """The result and the writable buffers after a call of the reference."""
    assert contract.signature is not None
    parameters = contract.signature.parameters
    arguments = [list(a) if isinstance(a, tuple) else a for a in given]
    result = REFERENCES[contract.name](*arguments)
    after = {p.name: tuple(a) for p, a in zip(parameters, arguments, strict=True)
             if p.buffer is not None and p.buffer.writable and isinstance(a, list)}
    return result, after


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda p: p.stem)
def test_contract_agrees_with_reference(path: Path) -> None:
    contract = load_intent(path)
    oracle = Oracle(contract)
    inputs = sample_inputs(contract, oracle, COUNT)
    assert inputs
    for given in inputs:
        result, after = according_to_reference(contract, given)
        if contract.returns is not None:
            assert oracle.returns(given) == result, given
        assert oracle.writes(given) == after, given


def test_every_function_has_a_reference_in_the_module_of_its_folder() -> None:
    listed = {(name, function) for name, module in MODULES.items() if name != "programs"
              for function in functions_of(module)}
    assert listed == {(p.parent.name, p.stem) for p in FUNCTIONS}


@pytest.mark.parametrize(("step", "initial", "final", "check"), [
    ("crc8_smbus_step", 0, 0, 0xF4),
    ("crc8_j1850_step", 0xFF, 0xFF, 0x4B),
    ("crc8_onewire_step", 0, 0, 0xA1),
    ("crc16_modbus_step", 0xFFFF, 0, 0x4B37),
    ("crc16_ccitt_step", 0xFFFF, 0, 0x29B1),
    ("crc16_ccitt_step", 0, 0, 0x31C3),
    ("crc32_step", 0xFFFFFFFF, 0xFFFFFFFF, 0xCBF43926),
    ("crc32c_step", 0xFFFFFFFF, 0xFFFFFFFF, 0xE3069283),
    ("crc64_xz_step", 2 ** 64 - 1, 2 ** 64 - 1, 0x995DC9BBDF1939FA),
])
def test_check_values_of_the_crc_catalogue(step: str, initial: int, final: int, check: int) -> None:
    """Greg Cook, Catalogue of parametrised CRC algorithms: the CRC of the digits 1 to 9."""
    oracle = Oracle(load_intent(GALLERY / "checksum" / f"{step}.intent"))
    assert reduce(lambda crc, byte: oracle.returns((crc, byte)), b"123456789", initial) ^ final == check


def test_check_value_of_crc15_can() -> None:
    oracle = Oracle(load_intent(GALLERY / "checksum" / "crc15_can_bit.intent"))
    message = [byte >> (7 - i) & 1 for byte in b"123456789" for i in range(8)]
    assert reduce(lambda crc, bit: oracle.returns((crc, bit)), message, 0) == 0x059E


@pytest.mark.parametrize(("step", "initial", "text", "expected"), [
    ("hash/fnv1a_step32", 0x811C9DC5, b"foobar", 0xBF9CF968),
    ("hash/fnv1a_step64", 0xCBF29CE484222325, b"foobar", 0x85944171F73967E8),
    ("checksum/fletcher16_step", 0, b"abcdefgh", 0x0627),
    ("checksum/adler32_step", 1, b"Wikipedia", 0x11E60398),
    ("checksum/modulo_97_step", 0, [int(c) for c in "3214282912345698765432161182"], 1),
    ("checksum/damm_step", 0, [5, 7, 2, 4], 0),
])
def test_published_values_of_whole_messages(step: str, initial: int, text: bytes | list[int], expected: int) -> None:
    oracle = Oracle(load_intent(GALLERY / f"{step}.intent"))
    assert reduce(lambda state, byte: oracle.returns((state, byte)), text, initial) == expected


@pytest.mark.parametrize(("whole", "step", "initial", "final"), [
    ("checksum/crc8_onewire", "checksum/crc8_onewire_step", 0, 0),
    ("checksum/crc16_modbus", "checksum/crc16_modbus_step", 0xFFFF, 0),
    ("checksum/fletcher16", "checksum/fletcher16_step", 0, 0),
    ("hash/fnv1a_32", "hash/fnv1a_step32", 0x811C9DC5, 0),
    ("hash/fnv1a_64", "hash/fnv1a_step64", 0xCBF29CE484222325, 0),
    ("hash/djb2", "hash/djb2_step", 5381, 0),
    ("checksum/crc8_smbus", "checksum/crc8_smbus_step", None, 0),
    ("checksum/crc16_ccitt", "checksum/crc16_ccitt_step", None, 0),
    ("checksum/adler32_checksum", "checksum/adler32_step", None, 0),
    ("checksum/crc32_ieee", "checksum/crc32_step", None, 0xFFFFFFFF),
    ("checksum/crc32c", "checksum/crc32c_step", None, 0xFFFFFFFF),
    ("checksum/crc64_xz", "checksum/crc64_xz_step", None, 2 ** 64 - 1),
])
def test_a_whole_buffer_is_its_steps(whole: str, step: str, initial: int | None, final: int) -> None:
    """`initial` is None where the caller gives it; `final` is added before the first step and after the last."""
    function, one = (Oracle(load_intent(GALLERY / f"{name}.intent")) for name in (whole, step))
    random = Random(1)
    for length in range(40):
        data, start = tuple(random.randbytes(length)), random.getrandbits(8) if initial is None else initial
        given = (start, data, length) if initial is None else (data, length)
        expected = reduce(lambda state, byte: one.returns((state, byte)), data, start ^ final) ^ final
        assert function.returns(given) == expected, given

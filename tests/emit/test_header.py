from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from intent_tool.emit.header import header_text
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_text

C99 = ("gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c")
CPP = ("g++", "-std=c++17", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++")
COMPILERS = [C99, CPP, ("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c")]

SIMPLE = """\
intent: {prose}
signature: uint32_t average_floor(uint32_t a, uint32_t b)
returns: (a + b) // 2
"""
XOR = """\
intent: XOR two buffers into a third.
signature: void xor_bytes(uint8_t out[n], const uint8_t a[n], const uint8_t b[n], size_t n)
{more}writes:
  out: (x ^ y for x, y in zip(a, b))
"""


def simple(prose: str = "Average, rounded down.") -> str:
    return header_text(load_text(SIMPLE.format(prose=prose)))


def compile_twice(header: str, folder: Path, use: str = "") -> None:
    """Include `header` two times, as C and as C++, with all warnings as errors."""
    (folder / "it.h").write_text(header)
    source = '#include "it.h"\n#include "it.h"\n' + (use or "int unit = 0;\n")
    for compiler in COMPILERS:
        done = subprocess.run([*compiler, "-I", str(folder), "-"], input=source, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, f"{' '.join(compiler)}\n{done.stderr}\n{header}"


def declaration(header: str) -> str:
    return next(line for line in header.split("\n") if line.endswith(";"))


def test_the_whole_header() -> None:
    assert simple() == """\
#ifndef INTENT_average_floor_H
#define INTENT_average_floor_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Average, rounded down.
 *
 * uint32_t average_floor(uint32_t a, uint32_t b)
 * returns: (a + b) // 2
 */
uint32_t average_floor(uint32_t a, uint32_t b);

#ifdef __cplusplus
}
#endif

#endif /* INTENT_average_floor_H */
"""


@pytest.mark.parametrize(("prototype", "returns", "expected", "includes"), [
    ("bool f(int8_t a, int64_t b)", "a < b", "bool f(int8_t a, int64_t b);", ["stdbool.h", "stdint.h"]),
    ("size_t f(size_t n)", "n", "size_t f(size_t n);", ["stddef.h"]),
    ("int f(unsigned a)", "a & 1", "int f(unsigned a);", []),
    ("unsigned f(void)", "7", "unsigned f(void);", []),
    ("char f(const char s[4])", "s[0]", "char f(const char *s);", []),
    ("uint8_t f(const uint8_t a[4], const uint8_t b[4])", "a[0] & b[0]",
     "uint8_t f(const uint8_t *a, const uint8_t *b);", ["stdint.h"]),
])
def test_types(prototype: str, returns: str, expected: str, includes: list[str], tmp_path: Path) -> None:
    header = header_text(load_text(f"intent: x\nsignature: {prototype}\nreturns: {returns}\n"))
    assert declaration(header) == expected
    assert re.findall(r"^#include <(.*)>$", header, re.MULTILINE) == includes
    compile_twice(header, tmp_path)


def test_restrict_stands_where_buffers_may_not_overlap(tmp_path: Path) -> None:
    header = header_text(load_text(XOR.format(more="")))
    assert declaration(header) == ("void xor_bytes(uint8_t *INTENT_RESTRICT out, const uint8_t *INTENT_RESTRICT a, "
                                   "const uint8_t *INTENT_RESTRICT b, size_t n);")
    compile_twice(header, tmp_path, "void f(uint8_t *p);\nvoid f(uint8_t *p) { xor_bytes(p, p + 4, p + 8, 4); }\n")


def test_no_restrict_on_buffers_that_are_declared_to_be_the_same(tmp_path: Path) -> None:
    header = header_text(load_text(XOR.format(more="requires:\n  - aliased(out, a)\n")))
    assert declaration(header) == ("void xor_bytes(uint8_t *out, const uint8_t *a, "
                                   "const uint8_t *INTENT_RESTRICT b, size_t n);")
    compile_twice(header, tmp_path)


def test_a_single_buffer_needs_no_restrict() -> None:
    text = "intent: x\nsignature: void f(uint8_t out[4])\nwrites:\n  out: (0 for _ in range(4))\n"
    assert declaration(header_text(load_text(text))) == "void f(uint8_t *out);"


HOSTILE = ["*/", "/*", "//", "??/", "??<", "\\", "*", "/", "?", " ", "\u202e", "\t", "ä", "% d", "#include <x>",
           "\u2028"]


@pytest.mark.parametrize("prose", ["".join(p) for p in itertools.product(HOSTILE[:9], repeat=3)][::7] + HOSTILE)
def test_prose_cannot_leave_its_comment(prose: str, tmp_path: Path) -> None:
    quoted = "".join(f"\\u{ord(c):04x}" for c in f"Begin {prose}\nint leaked;\n{prose} end {prose}")
    header = simple(f'"{quoted}"')
    (tmp_path / "it.h").write_text(header)
    for compiler in (C99, CPP):
        # The preprocessor's output is what is left of the file: the declaration, and no word of the prose.
        done = subprocess.run([*compiler[:-3], "-E", "-P", "-trigraphs", str(tmp_path / "it.h")],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stderr == "", done.stderr + header
        assert "leaked" not in done.stdout
        assert "average_floor(uint32_t a, uint32_t b);" in done.stdout


def test_a_contract_that_ends_in_a_backslash_or_holds_comment_marks(tmp_path: Path) -> None:
    text = ("intent: x\nsignature: int f(const uint8_t s[2]) \nrequires:\n"
            "  - s[0] in b\"*/\" and s[1] in b\"/*??/\\\\\"\nreturns: |\n  s[0]  \\\n  - 1\n")
    compile_twice(header_text(load_text(text)), tmp_path)


def test_several_functions_in_one_header(tmp_path: Path) -> None:
    header = header_text(load_text(SIMPLE.format(prose="x")), load_text(XOR.format(more="")), guard="both")
    assert header.startswith("#ifndef INTENT_both_H\n")
    assert header.count('extern "C"') == 1
    compile_twice(header, tmp_path)


def test_two_headers_together(tmp_path: Path) -> None:
    for name, text in (("a", XOR.format(more="")), ("b", XOR.format(more="").replace("xor_bytes", "other"))):
        (tmp_path / f"{name}.h").write_text(header_text(load_text(text)))
    compile_twice('#include "a.h"\n#include "b.h"\n', tmp_path)


def test_a_program_has_no_header() -> None:
    with pytest.raises(IntentError, match=r"<text>:2:\d+: error\[E901\]: `hello` is a program: it has no header"):
        header_text(load_text('intent: x\nprogram: hello\nstdout: b"hi"\n'))

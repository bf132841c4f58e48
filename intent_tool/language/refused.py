"""What of Python is not in the language, and what to write instead."""

from __future__ import annotations

import ast

SYNTAX: dict[type[ast.expr], tuple[str, str]] = {
    ast.Set: ("a set", "write a list, `[a, b]`"),
    ast.Dict: ("a dictionary", "index a list, or write `a if c else b`"),
    ast.SetComp: ("a set comprehension", "write a list comprehension, `[… for … in …]`"),
    ast.DictComp: ("a dictionary comprehension", "write a list comprehension, `[… for … in …]`"),
    ast.NamedExpr: ("an assignment", "name the value in `where`"),
    ast.Await: ("`await`", "leave it out"),
    ast.Yield: ("`yield`", "write a generator expression, `(… for … in …)`"),
    ast.YieldFrom: ("`yield from`", "write a generator expression, `(… for … in …)`"),
    ast.Starred: ("unpacking with `*`", "write the elements out"),
}
METHODS = {
    "bit_count": "write `popcount(x)`",
    "bit_length": "write `width - clz(x, width)`",
    "count": "write `sum(x == y for x in data)`",
    "index": "write `next((i for i, x in enumerate(data) if x == y), default)`",
    "find": "write `next((i for i, x in enumerate(data) if x == y), default)`",
    "append": "write `data + [x]`",
    "get": "write `a if c else b`",
    "startswith": "compare a slice: `data[0:2] == b\"ab\"`",
    "endswith": "compare a slice",
    "split": "fold over the bytes with `reduce`",
    "join": "write a comprehension",
    "format": "write an f-string",
    "encode": 'write a byte string, b"…"',
    "to_bytes": "write `bytes((x >> 8 * i) & 0xFF for i in range(n))`",
    "from_bytes": "write `sum(b << 8 * i for i, b in enumerate(data))`",
}
FUNCTIONS = {
    "map": "write a comprehension",
    "filter": "write a comprehension with `if`",
    "list": "write a comprehension, or the sequence itself",
    "tuple": "write `(a, b)`",
    "set": "write a list",
    "dict": "index a list",
    "str": "write an f-string",
    "chr": "write an f-string with `:c`, or bytes([x])",
    "bin": "write an f-string with `:b`",
    "hex": "write an f-string with `:x`",
    "oct": "write an f-string with `:o`",
    "print": "say what is printed in `stdout`",
    "open": "a contract reads `stdin` and `args` only",
    "input": "a contract reads `stdin` and `args` only",
    "round": "write `(2*a + b) // (2*b)`",
    "float": "contracts have integers only",
    "bool": "write `x != 0`",
    "iter": "leave it out",
    "isinstance": "leave it out",
    "eval": "write the expression",
    "exec": "write the expression",
    "accumulate": "write `reduce` with a tuple as state",
    "product": "write a comprehension with two `for`",
    "u128": "write `x % 2**128`",
    "bytearray": "write `bytes(…)`",
    "slice": "write `data[a:b]`",
}

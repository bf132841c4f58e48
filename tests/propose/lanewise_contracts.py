"""Random contracts over buffers of run-time length, whose elements do not depend on each other: maps, folds and
searches, for vectors to be made of."""

from __future__ import annotations

from collections.abc import Callable

Draw = Callable[[int], int]
"""A number below the given one."""

TYPES = ("uint8_t", "int8_t", "uint16_t", "int16_t", "uint32_t", "int32_t", "uint64_t", "int64_t")
NARROW = TYPES[:6]
CASTS = ("u8", "i8", "u16", "i16", "u32", "i32")
CONSTANTS = (0, 1, 2, 3, 7, 8, 15, 16, 31, 48, 57, 65, 90, 100, 127, 128, 129, 200, 255, 256, 1000, 32767, 32768,
             65535, 65536, 2147483647, 2147483648, 4294967295)


class LanewiseContract:
    def __init__(self, draw: Draw, name: str) -> None:
        self.draw, self.name = draw, name
        self.types = [self.any_of(NARROW) if draw(8) else self.any_of(TYPES)]
        if draw(2):
            self.types.append(self.types[0] if draw(2) else self.any_of(NARROW))

    def any_of(self, choices: tuple[str, ...]) -> str:
        return choices[self.draw(len(choices))]

    def constant(self) -> str:
        value = CONSTANTS[self.draw(len(CONSTANTS))]
        return f"({-value})" if self.draw(5) == 0 else str(value)

    def leaf(self) -> str:
        kind = self.draw(8)
        return self.constant() if kind == 0 else "k" if kind == 1 else ("x", "y")[self.draw(len(self.types))]

    def number(self, depth: int) -> str:
        if depth == 0:
            return self.leaf()
        a, b = self.number(depth - 1), self.number(self.draw(depth))
        match self.draw(16):
            case 0 | 1:
                return f"({a} + {b})"
            case 2 | 3:
                return f"({a} - {b})"
            case 4:
                return f"({a} * {b})"
            case 5:
                return f"({a} {self.any_of(('&', '|', '^'))} {b})"
            case 6:
                return f"(~{a})"
            case 7:
                return f"({a} << {1 + self.draw(9)})"
            case 8:
                return f"({a} >> {1 + self.draw(17)})"
            case 9:
                return f"{self.any_of(('min', 'max'))}({a}, {b})"
            case 10:
                low, high = (("0", "255"), ("-128", "127"), ("-32768", "32767"), ("0", "65535"))[self.draw(4)]
                return f"max({low}, min({a}, {high}))"
            case 11:
                return f"abs({a})"
            case 12:
                return f"{self.any_of(CASTS)}({a})"
            case 13:
                return (f"({a} + {b} + 1) // 2", f"({a} // {2 + self.draw(300)})", f"bswap(u16({a}), 2)",
                        f"popcount(u8({a}))")[self.draw(4)]
            case _:
                return f"({a} if {self.condition(depth - 1)} else {b})"

    def condition(self, depth: int) -> str:
        a, b = self.number(depth), self.leaf()
        match self.draw(8):
            case 0:
                return f"({self.condition(max(depth - 1, 0))} and {a} != {b})"
            case 1:
                return f"({self.condition(max(depth - 1, 0))} or {a} < {b})"
            case 2:
                low = self.draw(200)
                return f"({low} <= {a} <= {low + self.draw(90)})"
            case _:
                return f"({a} {self.any_of(('<', '<=', '==', '!=', '>', '>='))} {b})"

    def text(self) -> str:
        names = ("a", "b")[:len(self.types)]
        buffers = [f"const {t} {n}[n]" for t, n in zip(self.types, names, strict=True)]
        each = "x in a" if len(names) == 1 else "x, y in zip(a, b)"
        scalars = f"size_t n, {self.any_of(NARROW)} k"
        depth = 1 + self.draw(3)
        match self.draw(7):
            case 5:
                return self.by_pairs(scalars, depth)
            case 6:
                return self.record(scalars)
            case 0 | 1:
                out = self.any_of(NARROW)
                in_place = self.draw(4) == 0
                if in_place:
                    out, cast = self.types[0], self.cast_of(self.types[0])
                    buffers[0] = f"{out} a[n]"
                    signature = f"void {self.name}({', '.join(buffers)}, {scalars})"
                    return self.written(signature, f"writes:\n  a: ({cast}({self.number(depth)}) for {each})")
                cast = self.cast_of(out)
                signature = f"void {self.name}({out} out[n], {', '.join(buffers)}, {scalars})"
                return self.written(signature, f"writes:\n  out: ({cast}({self.number(depth)}) for {each})")
            case 2:
                value = self.number(depth) if self.draw(3) else self.condition(depth)
                cast = self.any_of(("u64", "i64", "u32", "i32"))
                result = {"u": "uint", "i": "int"}[cast[0]] + cast[1:] + "_t"
                return self.written(f"{result} {self.name}({', '.join(buffers)}, {scalars})",
                                    f"returns: {cast}(sum({value} for {each}))")
            case 3:
                which = self.any_of(("min", "max"))
                value = f"i32({self.number(depth - 1)})"
                if self.draw(3) == 0:
                    return self.written(f"{self.types[0]} {self.name}({', '.join(buffers)}, {scalars})",
                                        f"requires:\n  - n > 0\nreturns: {which}(a)")
                return self.written(f"int64_t {self.name}({', '.join(buffers)}, {scalars})",
                                    f"requires:\n  - n > 0\nreturns: {which}({value} for {each})")
            case _:
                test = self.condition(depth)
                if self.draw(2):
                    return self.written(f"bool {self.name}({', '.join(buffers)}, {scalars})",
                                        f"returns: {self.any_of(('any', 'all'))}({test} for {each})")
                counted = "i, x in enumerate(a)" if len(names) == 1 else "i, (x, y) in enumerate(zip(a, b))"
                return self.written(f"size_t {self.name}({', '.join(buffers)}, {scalars})",
                                    f"returns: next((i for {counted} if {test}), n)")

    def record(self, scalars: str) -> str:
        """Where the greatest or least element is, the first or the last of them; sometimes from a constant on."""
        test = f"item[1] {self.any_of(('<', '<=', '>', '>='))} best[1]"
        choice = f"item if {test} else best" if self.draw(2) else f"best if not {test} else item"
        start = "a[0]" if self.draw(3) else "k"
        return (f"intent: Lanes at random.\nsignature: size_t {self.name}(const {self.types[0]} a[n], {scalars})\n"
                f"requires:\n  - n > 0\nwhere:\n  better(best, item): {choice}\n"
                f"returns: reduce(better, enumerate(a), (0, {start}))[0]\n")

    def by_pairs(self, scalars: str, depth: int) -> str:
        """Two elements are made into one, or two of one."""
        out, self.types = self.any_of(NARROW), [self.types[0]] * 2
        cast = self.cast_of(out)
        definitions = [f"  {name}(x, y): {cast}({self.number(depth)})" for name in ("p", "q")]
        if self.draw(2):
            signature = f"void {self.name}({out} out[n], const {self.types[0]} a[2 * n], {scalars})"
            element = "p(a[2 * i], a[2 * i + 1]) for i in range(n)"
        else:
            buffers = ", ".join(f"const {self.types[0]} {name}[n]" for name in "ab")
            signature = f"void {self.name}({out} out[2 * n], {buffers}, {scalars})"
            element = "p(a[i // 2], b[i // 2]) if i % 2 == 0 else q(a[i // 2], b[i // 2]) for i in range(2 * n)"
        where = "\n".join(definitions)
        return (f"intent: Lanes at random.\nsignature: {signature}\nwhere:\n{where}\n"
                f"writes:\n  out: |\n    ({element})\n")

    def cast_of(self, type: str) -> str:
        return ("u" if type.startswith("u") else "i") + "".join(c for c in type if c.isdigit())

    def written(self, signature: str, formula: str) -> str:
        key, _, rest = formula.rpartition("\n") if formula.startswith("requires") else ("", "", formula)
        body = f"{key}\n" if key else ""
        name, _, expression = rest.partition(": ")
        if name == "returns":
            body += f"returns: |\n  {expression}\n"
        else:
            buffer, _, value = rest.removeprefix("writes:\n  ").partition(": ")
            body += f"writes:\n  {buffer}: |\n    {value}\n"
        return f"intent: Lanes at random.\nsignature: {signature}\n{body}"


def lanewise_contract(draw: Draw, name: str) -> str:
    return LanewiseContract(draw, name).text()

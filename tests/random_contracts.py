"""Random contracts: every operator, guarded so that each has a value for every input.

`choose(n)` gives an integer from 0 to n - 1, from wherever the caller takes its randomness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

TYPES = ("uint8_t", "int8_t", "uint16_t", "int16_t", "uint32_t", "int32_t", "uint64_t", "int64_t", "bool")
CAST = {"uint8_t": "u8", "int8_t": "i8", "uint16_t": "u16", "int16_t": "i16", "uint32_t": "u32", "int32_t": "i32",
        "uint64_t": "u64", "int64_t": "i64"}
CONSTANTS = (0, 1, 2, 3, 5, 7, 10, 12, 100, 127, 128, 255, 256, 641, 1000, 0x7FFF, 0x8000, 0xFFFF, 0x10001, 1000003,
             0x55555555, 0x7FFFFFFF, 0x80000000, 0xEDB88320, 0xFFFFFFFF, 0x100000000, 0x0123456789ABCDEF,
             0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF)


@dataclass
class Generator:
    choose: Callable[[int], int]
    names: list[str] = field(default_factory=list)
    size: int = 14
    """Operators still to be spent."""
    loops: int = 2

    def pick(self, items: tuple[str, ...] | list[str]) -> str:
        return items[self.choose(len(items))]

    def constant(self) -> str:
        value = CONSTANTS[self.choose(len(CONSTANTS))]
        return str(-value if self.choose(3) == 0 else value)

    def leaf(self) -> str:
        return self.pick(self.names) if self.choose(4) else f"({self.constant()})"

    def number(self) -> str:
        """Any integer."""
        self.size -= 1
        if self.size <= 0:
            return self.leaf()
        kind = self.choose(22)
        if kind < 7:
            return f"({self.number()} {self.pick(('+', '-', '*', '&', '|', '^', '+', '-'))} {self.number()})"
        if kind == 7:
            return f"({self.pick(('-', '~', '+'))}{self.number()})"
        if kind == 8:
            return f"({self.number()} {self.pick(('//', '%'))} ({self.divisor()}))"
        if kind == 9:
            divisor = self.number()
            return f"({self.number()} {self.pick(('//', '%'))} ({divisor} or 1))"
        if kind == 10:
            return f"({self.narrow()} << {self.count()})"
        if kind == 11:
            return f"({self.number()} >> {self.count()})"
        if kind in (12, 13):
            return f"({self.number()} if {self.condition()} else {self.number()})"
        if kind == 14:
            return f"{self.pick(('min', 'max'))}({self.number()}, {self.number()})"
        if kind == 15:
            return f"abs({self.number()})"
        if kind in (16, 17):
            return self.narrow()
        if kind == 18:
            return self.vocabulary()
        if kind == 19:
            return self.table()
        if kind == 20:
            return self.condition()
        return self.fold()

    def count(self) -> str:
        """Of a shift."""
        if self.choose(2):
            return str(self.choose(70))
        return f"({self.number()} & {self.pick(('7', '31', '63', '127'))})"

    def divisor(self) -> str:
        value = CONSTANTS[self.choose(len(CONSTANTS))] or 6
        return str(-value if self.choose(4) == 0 else value)

    def narrow(self) -> str:
        return f"{self.pick(list(CAST.values()))}({self.number()})"

    def condition(self) -> str:
        self.size -= 1
        if self.size <= 0:
            return f"({self.leaf()} {self.pick(('<', '==', '!='))} {self.leaf()})"
        kind = self.choose(8)
        if kind < 4:
            return f"({self.number()} {self.pick(('<', '<=', '>', '>=', '==', '!='))} {self.number()})"
        if kind == 4:
            middle = f"{self.pick(('<', '<='))} {self.number()} {self.pick(('<', '<='))}"
            return f"({self.number()} {middle} {self.number()})"
        if kind == 5:
            return f"({self.condition()} {self.pick(('and', 'or'))} {self.condition()})"
        if kind == 6:
            return f"(not {self.condition()})"
        items = f"[{self.constant()}, {self.constant()}, {self.leaf()}]"
        return f"({self.number()} {self.pick(('in', 'not in'))} {items})"

    def vocabulary(self) -> str:
        width = (8, 16, 24, 32, 33, 48, 64)[self.choose(7)]
        value = f"bits({self.number()}, {width - 1}, 0)"
        name = self.pick(("popcount", "parity", "clz", "ctz", "bswap", "bitrev", "rotl", "rotr"))
        if name in ("popcount", "parity"):
            return f"{name}({value})"
        if name == "bswap":
            count = (1, 2, 3, 4, 8)[self.choose(5)]
            return f"bswap(bits({self.number()}, {8 * count - 1}, 0), {count})"
        if name in ("rotl", "rotr"):
            return f"{name}({value}, {self.leaf()}, {width})"
        return f"{name}({value}, {width})"

    def table(self) -> str:
        items = ", ".join(self.constant() for _ in range(2 + self.choose(7)))
        count = items.count(",") + 1
        index = f"{self.number()} % {count}"
        return f"[{items}][{index}]" if self.choose(3) else f"[{items}][{index} - {count}]"

    def fold(self) -> str:
        if self.loops == 0:
            return self.leaf()
        self.loops -= 1
        rounds = (1, 3, 8, 20, 100)[self.choose(5)]
        bound = f"k{self.loops}"
        self.names.append(bound)
        kind = self.choose(5)
        if kind == 0:
            text = f"sum({self.number()} for {bound} in range({rounds}))"
        elif kind == 1:
            text = f"{self.pick(('any', 'all'))}({self.condition()} for {bound} in range({rounds}))"
        elif kind == 2:
            text = f"next(({self.number()} for {bound} in range({rounds}) if {self.condition()}), {self.constant()})"
        else:
            state = f"s{self.loops}"
            self.names.append(state)
            cast = self.pick(list(CAST.values()))
            body = f"{cast}({self.number()})"
            self.names.remove(state)
            self.names.remove(bound)
            return f"reduce(lambda {state}, {bound}: {body}, range({rounds}), {self.leaf()})"
        self.names.remove(bound)
        return f"({text})"


def random_contract(choose: Callable[[int], int], symbol: str) -> str:
    """The text of an intent."""
    count = (1, 2, 3, 4, 6, 10)[choose(6)]
    types = [TYPES[choose(len(TYPES))] for _ in range(count)]
    names = [f"p{k}" for k in range(count)]
    generator = Generator(choose, list(names), size=3 + choose(14))
    result = TYPES[choose(len(TYPES))]
    value = generator.condition() if result == "bool" else f"{CAST[result]}({generator.number()})"
    parameters = ", ".join(f"{t} {n}" for t, n in zip(types, names, strict=True))
    return (f"intent: A random function.\nsignature: {result} {symbol}({parameters})\n"
            f"returns: |\n  {value}\n")


DATA = TYPES[:-1]


@dataclass
class BufferGenerator(Generator):
    """Folds over buffers of run-time length, and writes of them."""

    buffers: dict[str, str] = field(default_factory=dict)
    """Name to element type."""
    bound: int = 0
    requires: list[str] = field(default_factory=list)

    def fresh(self, letter: str) -> str:
        self.bound += 1
        return f"{letter}{self.bound}"

    def sequence(self) -> tuple[str, list[str]]:
        """A sequence of run-time length, and what its elements are bound to."""
        data = self.pick(list(self.buffers))
        kind = self.choose(9)
        if kind < 3:
            return data, [self.fresh("x")]
        if kind == 3:
            return f"reversed({data})", [self.fresh("x")]
        if kind == 4:
            return f"enumerate({data})", [self.fresh("i"), self.fresh("x")]
        if kind == 5:
            other = self.pick(list(self.buffers))
            return f"zip({data}, {other})", [self.fresh("x"), self.fresh("x")]
        if kind == 6:
            bounds = [self.pick(("", "1", "2", "k", "n - 1", "-2", "k + 1")) for _ in range(2)]
            return f"{data}[{bounds[0]}:{bounds[1]}]", [self.fresh("x")]
        if kind == 7:
            return self.pick(("range(n)", "range(k)", "range(1, n)", "range(0, n, 2)")), [self.fresh("i")]
        return f"zip({data}, {data}[1:])", [self.fresh("x"), self.fresh("x")]

    def within(self, names: list[str], make: Callable[[], str], size: int = 5) -> str:
        """An expression in which `names` are bound, too."""
        outer, self.size = self.size, 1 + self.choose(size)
        kept, self.names = self.names, [*self.names, *names, *names]
        text = make()
        self.names, self.size = kept, outer
        return text

    def clause(self) -> tuple[str, list[str]]:
        sequence, names = self.sequence()
        return f"for {', '.join(names)} in {sequence}", names

    def filtered(self, element: Callable[[], str]) -> tuple[str, list[str]]:
        clause, names = self.clause()
        if self.choose(3) == 0:
            clause += f" if {self.within(names, self.condition, 3)}"
        if self.choose(8) == 0:
            inner, more = self.clause()
            clause, names = f"{clause} {inner}", names + more
        return f"{self.within(names, element)} {clause}", names

    def total(self) -> str:
        """A fold."""
        kind = self.choose(12)
        cast = self.pick(list(CAST.values()))
        if kind < 2:
            return f"sum({self.filtered(lambda: f'{cast}({self.number()})')[0]})"
        if kind == 2:
            return f"{self.pick(('any', 'all'))}({self.filtered(self.condition)[0]})"
        if kind == 3:
            return f"next(({self.filtered(lambda: f'{cast}({self.number()})')[0]}), {self.constant()})"
        if kind == 4:
            return f"len([{self.filtered(self.leaf)[0]}])"
        if kind == 5:
            return f"({self.leaf()} {self.pick(('in', 'not in'))} {self.pick(list(self.buffers))})"
        if kind == 6:
            self.requires = ["n > 0"]
            data = self.pick(list(self.buffers))
            name = self.fresh("x")
            inner = self.pick((data, f"{cast}({self.within([name], self.number)}) for {name} in {data}"))
            return f"{self.pick(('min', 'max'))}({inner})"
        sequence, names = self.sequence()
        item = self.fresh("e")
        state = self.fresh("s")
        parts = [f"{item}[{k}]" for k in range(len(names))] if len(names) > 1 else [item]
        if kind == 7:
            casts = [self.pick(list(CAST.values())) for _ in range(2)]
            both = [f"{state}[0]", f"{state}[1]", *parts]
            body = ", ".join(f"{c}({self.within(both, self.number)})" for c in casts)
            return (f"reduce(lambda {state}, {item}: ({body}), {sequence}, "
                    f"(0, {self.constant()}))[{self.choose(2)}]")
        body = f"{cast}({self.within([state, *parts], self.number, 7)})"
        return f"reduce(lambda {state}, {item}: {body}, {sequence}, {self.leaf()})"

    def elements(self, cast: str) -> str:
        """A content of n elements."""
        data, other = self.pick(list(self.buffers)), self.pick(list(self.buffers))
        x, y, i = self.fresh("x"), self.fresh("x"), self.fresh("i")
        kind = self.choose(7)
        if kind == 0:
            return f"({cast}({self.within([x, y], self.number)}) for {x}, {y} in zip({data}, {other}))"
        if kind == 1:
            return f"({cast}({self.within([x], self.number)}) for {x} in reversed({data}))"
        if kind == 2:
            return f"({cast}({self.within([i, x], self.number)}) for {i}, {x} in enumerate({data}))"
        if kind == 3:
            return f"({cast}(sum({data}[:{i} + 1])) for {i} in range(n))"
        if kind == 4:
            neighbour = f"({other}[{i} - 1] if {i} > 0 else {self.constant()})"
            return f"({cast}({self.within([i, f'{data}[{i}]', neighbour], self.number)}) for {i} in range(n))"
        if kind == 5:
            step = f"{cast}(s * 3 + x)" if self.choose(2) else f"{cast}(s ^ x)"
            return f"(reduce(lambda s, x: {step}, {data}[:{i}], 0) for {i} in range(n))"
        return f"({cast}({self.within([x], self.number)}) for {x} in {data})"


def random_buffer_contract(choose: Callable[[int], int], symbol: str) -> str:
    """The text of an intent over buffers of run-time length."""
    types = {f"data{k}": DATA[choose(len(DATA))] for k in range(1 + choose(3))}
    writes = choose(3) == 0
    generator = BufferGenerator(choose, ["k", "n"], size=6, loops=0, buffers=types)
    parameters = [f"const {t} {name}[n]" for name, t in types.items()]
    alias = ""
    if writes:
        out = DATA[choose(len(DATA))]
        if choose(3) == 0:
            out = types["data0"]
            alias = "aliased(out, data0)"
        parameters.append(f"{out} out[n]")
        content = generator.elements(CAST[out])
        result, body = "void", f"writes:\n  out: |\n    {content}\n"
    else:
        result = DATA[choose(len(DATA))]
        value = generator.total()
        if choose(4) == 0:
            value = f"{value} {generator.pick(('+', '-', '*', '^'))} {generator.total()}"
        body = f"returns: |\n  {CAST[result]}({value})\n"
    parameters += ["uint8_t k", "size_t n"]
    needed = [*generator.requires, *([alias] if alias else [])]
    requires = "".join(f"  - {r}\n" for r in needed)
    return (f"intent: A random function over buffers.\nsignature: {result} {symbol}({', '.join(parameters)})\n"
            + (f"requires:\n{requires}" if requires else "") + body)

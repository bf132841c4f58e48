"""Inputs to try a function on, all of which keep its `requires`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from random import Random

from intent_tool.language.contract import Contract, Parameter
from intent_tool.language.oracle import Argument, Arguments, Oracle, OracleFault, length_of
from intent_tool.language.oracle_examples import called_with
from intent_tool.language.oracle_runtime import BUDGET
from intent_tool.language.sample_contents import Content, content_source, long_content_source
from intent_tool.language.sample_hints import Hints, hints_of
from intent_tool.language.sample_lengths import (
    BYTES_EACH,
    EVERY_LENGTH,
    LONG_BYTES,
    LONG_LENGTHS,
    LONG_STEPS,
    LONGEST_OF_COSTLY,
    ROUNDS,
    STEPS_EACH,
    Cost,
    byte_count,
    cost_of,
    element_count,
)
from intent_tool.language.sample_values import boundary_values, core_values, length_values, scalar_source
from intent_tool.language.tree import Name
from intent_tool.language.walk import descendants

MAX_ELEMENTS = 4096
"""Of all buffers of one input together, but for those that `LONG_LENGTHS` are for."""

_EFFORT = 12
"""Attempts for each input wanted, before a narrow `requires` is given up."""
_FEWEST = 50
"""Inputs, of buffers so large that they hold more than `BYTES_EACH` whatever is drawn."""
_TRIES = 8
"""Contents tried for a length, before a narrow `requires` is given up."""


def sample_inputs(contract: Contract, oracle: Oracle, count: int, seed: int = 0) -> list[Arguments]:
    """At most `count` different inputs: the examples', buffers of every short and of some long lengths, boundary
    values and their pairs, then random ones.

    All inputs there are, when they are no more than `count`. Fewer than `count` where `requires` is too narrow for
    the search, or where buffers of constant length are so large that the inputs would fill more than
    `BYTES_EACH * count` bytes.
    The same for the same contract, `count` and `seed`."""
    return _Sampler(contract, oracle, count, seed).run()


def example_inputs(contract: Contract, oracle: Oracle) -> list[Arguments]:
    """The arguments that the examples give the function; those without a value are left out."""
    found: list[Arguments] = []
    for example in contract.function_examples:
        if example.given is not None:
            found.append(tuple(example.given[p.name] for p in oracle.signature.parameters))
            continue
        try:
            found += [oracle.checked(given) for given in called_with(oracle, example.check)]
        except OracleFault:
            continue
    return found


class _Sampler:
    def __init__(self, contract: Contract, oracle: Oracle, count: int, seed: int) -> None:
        self.contract, self.oracle, self.count = contract, oracle, count
        self.random = Random(seed)
        self.parameters = oracle.signature.parameters
        self.hints: Hints = hints_of(contract, oracle)
        self.requires: Callable[[Arguments], bool] | None = oracle.requires if contract.requires else None
        self.found: dict[Arguments, None] = {}
        self.attempts = 0
        self.effort = _EFFORT * count + 20_000
        self.lengths = {n.name for p in self.parameters if p.buffer is not None for n in descendants(p.buffer.length)
                        if isinstance(n, Name)}
        self.positions = {p.name: i for i, p in enumerate(self.parameters)}
        self.has_buffers = any(p.buffer is not None for p in self.parameters)
        fixed = sum(p.buffer.constant_length * p.type.bytes for p in self.parameters
                    if p.buffer is not None and p.buffer.constant_length is not None)
        if fixed > BYTES_EACH:
            self.count = max(min(count, _FEWEST), BYTES_EACH * count // fixed)
        self.bytes = self.steps = 0
        self.cost = Cost(0, 0, 1.0, costly=False)
        self.frugal = False
        self.aliases = [tuple(sorted(self.positions[n] for n in pair))
                        for pair in sorted(map(sorted, contract.aliases))]

    def run(self) -> list[Arguments]:
        for arguments in example_inputs(self.contract, self.oracle):
            self.add(arguments)
        every = self.all_inputs()
        if every is not None:
            for arguments in every:
                self.add(arguments)
            return list(self.found)[:self.count]
        self.draws = self.sources()
        if self.lengths:
            self.cost = self.measured_cost()
            if self.every_length():
                self.long_lengths()
        for arguments in self.boundaries():
            if len(self.found) >= self.count // 2 or self.attempts > self.effort // 2:
                break
            if not (self.frugal and byte_count(self.parameters, arguments) > 2 * BYTES_EACH):
                self.add(arguments)
        self.random_inputs()
        return list(self.found)[:self.count]

    def add(self, arguments: Arguments) -> bool:
        self.attempts += 1
        if arguments in self.found:
            return False
        if self.requires is not None:
            try:
                if not self.requires(arguments):
                    return False
            except OracleFault:
                return False
        self.found[arguments] = None
        if self.has_buffers:
            self.spend(arguments)
        return True

    def spend(self, arguments: Arguments) -> None:
        """Keeps to short buffers while the inputs so far are dearer on the average than they may be."""
        self.bytes += byte_count(self.parameters, arguments)
        self.steps += self.cost.of(element_count(arguments))
        number = len(self.found)
        self.frugal = self.bytes > BYTES_EACH * number or self.steps > STEPS_EACH * number

    def all_inputs(self) -> Iterator[Arguments] | None:
        """Every input that the types (and simple bounds) allow, when that is no more than `count`."""
        if self.lengths or self.aliases:
            return None
        size, columns = 1, []
        for parameter in self.parameters:
            low, high = self.range(parameter)
            repeat = parameter.buffer.constant_length if parameter.buffer is not None else 1
            if repeat is None or repeat > 20:
                return None
            size *= (high - low + 1) ** repeat
            if size > self.count:
                return None
            values = range(low, high + 1)
            columns.append(list(values) if parameter.buffer is None else list(product(values, repeat=repeat)))
        return product(*columns)

    def range(self, parameter: Parameter) -> tuple[int, int]:
        return self.hints.ranges.get(parameter.name, (parameter.type.minimum, parameter.type.maximum))

    def sources(self) -> list[Callable[[], int] | None]:
        """How to draw each scalar; None for buffers, whose lengths must be known first."""
        found: list[Callable[[], int] | None] = []
        self.contents: dict[str, Content] = {}
        self.long_contents: dict[str, Content] = {}
        self.length_choices: dict[str, list[int]] = {}
        for parameter in self.parameters:
            low, high = self.range(parameter)
            if parameter.buffer is not None:
                self.contents[parameter.name] = content_source(
                    self.random, parameter.type, self.hints.constants, self.hints.texts)
                self.long_contents[parameter.name] = long_content_source(
                    self.random, parameter.type, self.contents[parameter.name])
                found.append(None)
            elif parameter.name in self.lengths:
                choices = length_values(low, high, self.hints.constants, MAX_ELEMENTS) or [low]
                self.length_choices[parameter.name] = choices
                found.append(self.length_source(choices, low, min(high, EVERY_LENGTH)))
            else:
                found.append(scalar_source(self.random, low, high, self.hints.constants))
        return found

    def length_source(self, choices: list[int], low: int, high: int) -> Callable[[], int]:
        """Mostly small ones, else those most telling or any short one."""
        bits, few = self.random.getrandbits, choices[:8]

        def draw() -> int:
            if self.frugal or bits(2):
                return few[bits(16) % len(few)]
            if bits(1) and low <= high:
                return low + bits(16) % (high - low + 1)
            return choices[bits(16) % len(choices)]

        return draw

    # Lengths.

    def measured_cost(self) -> Cost:
        for longer in (128, 32, 8):
            few, many = ([self.of_lengths(dict.fromkeys(self.lengths, size), self.contents) for _ in range(4)]
                         for size in (longer // 2, longer))
            cost = cost_of(self.contract, self.oracle, few, many)
            if cost.steps < BUDGET:
                break
        return cost

    def of_lengths(self, lengths: Mapping[str, int], contents: Mapping[str, Content]) -> Arguments:
        """An input with some lengths given, as far as they are allowed, and the rest drawn; other lengths small."""
        values: list[Argument] = [draw() if draw is not None else () for draw in self.draws]
        for name in self.lengths:
            low, high = self.range(self.parameters[self.positions[name]])
            few = self.length_choices[name][:8]
            wanted = lengths[name] if name in lengths else few[self.random.getrandbits(16) % len(few)]
            values[self.positions[name]] = max(low, min(high, wanted))
        return self.with_buffers(values, contents)

    def every_length(self) -> bool:
        """Each length up to `EVERY_LENGTH`, more than once where there are inputs enough and they cost little. False
        when there are too few inputs even for once."""
        names = sorted(self.lengths)
        each = range(EVERY_LENGTH + 1)
        steps = sum(self.cost.of(self.extent({name: length})[0]) for name in names for length in each)
        affordable = max(2, STEPS_EACH * self.count // 4 // max(steps, 1))
        rounds = min(ROUNDS, self.count // (2 * len(each) * len(names)), affordable)
        for length in each:
            for name in names:
                for _ in range(rounds):
                    if self.steps < STEPS_EACH * self.count:
                        self.tried({name: length}, self.contents)
        return rounds > 0

    def long_lengths(self) -> None:
        """Long buffers, each length alone and all together, twice each, while there is room for them."""
        most_bytes = min(LONG_BYTES, BYTES_EACH * self.count)
        most_steps = min(LONG_STEPS, STEPS_EACH * self.count)
        names = sorted(self.lengths)
        for chosen in [[name] for name in names] + ([names] if len(names) > 1 else []):
            for length in LONG_LENGTHS:
                lengths = dict.fromkeys(chosen, length)
                elements, size = self.extent(lengths)
                steps = 2 * self.cost.of(elements)
                if (self.cost.costly and length > LONGEST_OF_COSTLY) or 2 * size > most_bytes or steps > most_steps:
                    continue
                most_bytes -= 2 * size
                most_steps -= steps
                for _ in range(2):
                    self.tried(lengths, self.long_contents)

    def extent(self, lengths: Mapping[str, int]) -> tuple[int, int]:
        """The elements and bytes of an input with some lengths given, and the others as large as small ones are."""
        sizes = {name: lengths.get(name, self.length_choices[name][:8][-1]) for name in self.lengths}
        counts = [(length_of(p.buffer.length, sizes), p.type.bytes) for p in self.parameters if p.buffer is not None]
        return sum(n for n, _ in counts), sum(n * width for n, width in counts)

    def tried(self, lengths: Mapping[str, int], contents: Mapping[str, Content]) -> None:
        """Adds one input with the lengths given."""
        for _ in range(_TRIES):
            arguments = self.of_lengths(lengths, contents)
            if any(arguments[self.positions[name]] != length for name, length in lengths.items()):
                return
            if self.add(arguments):
                return

    # Boundary values, and their pairs.

    def boundaries(self) -> Iterator[Arguments]:
        scalars = [i for i, p in enumerate(self.parameters) if p.buffer is None]
        constants = self.hints.constants
        cores = {i: core_values(*self.range(self.parameters[i]), constants) for i in scalars}
        pools = {i: boundary_values(*self.range(self.parameters[i]), constants) for i in scalars}
        for i in scalars:
            choices = self.length_choices.get(self.parameters[i].name)
            if choices is not None:
                cores[i] = pools[i] = choices
        for index in range(max((len(c) for c in cores.values()), default=0)):
            yield self.completed({i: cores[i][index % len(cores[i])] for i in scalars})
        pairs = [(i, j) for i in scalars for j in scalars if i < j]
        for i, j in pairs:
            for first, second in product(cores[i], cores[j]):
                yield self.completed({i: first, j: second})
        longest = max((len(p) for p in pools.values()), default=0)
        for index in range(longest):
            for i in scalars:
                if index < len(pools[i]):
                    yield self.completed({i: pools[i][index]})
        if not scalars:
            for _ in range(64):
                yield self.completed({})

    def completed(self, chosen: dict[int, int]) -> Arguments:
        """An input with some scalars given, and the rest drawn."""
        values: list[Argument] = [
            chosen[i] if i in chosen else draw() if draw is not None else ()
            for i, draw in enumerate(self.draws)]
        return self.with_buffers(values)

    def with_buffers(self, values: list[Argument], contents: Mapping[str, Content] | None = None) -> Arguments:
        if not self.contents:
            return tuple(values)
        scalars = {p.name: v for p, v in zip(self.parameters, values, strict=True) if isinstance(v, int)}
        contents = contents if contents is not None else self.contents
        room = MAX_ELEMENTS
        drawn: list[tuple[int, ...]] = []
        for index, parameter in enumerate(self.parameters):
            if parameter.buffer is not None:
                length = length_of(parameter.buffer.length, scalars)
                room -= length
                if (room < 0 and length > 0 and parameter.buffer.constant_length is None
                        and contents is not self.long_contents):
                    # Products of lengths: give up the longest and start again.
                    longest = max(sorted(self.lengths), key=scalars.__getitem__)
                    values[self.positions[longest]] = 0
                    return self.with_buffers(values, contents)
                content = contents[parameter.name](length, drawn)
                values[index] = content
                drawn.append(content)
        for first, second in self.aliases:
            left, right = values[first], values[second]
            assert isinstance(left, tuple) and isinstance(right, tuple)
            values[second] = left[:len(right)] + right[len(left):]
        return tuple(values)

    # Random inputs.

    def random_inputs(self) -> None:
        bits, draws = self.random.getrandbits, self.draws
        scalars = [i for i, p in enumerate(self.parameters) if p.buffer is None and p.name not in self.lengths]
        ranges = [self.range(p) for p in self.parameters]
        buffers = [i for i, p in enumerate(self.parameters) if p.buffer is not None]
        add, complete, found, count = self.add, self.with_buffers, self.found, self.count
        suggestions = self.hints.suggestions
        recent: list[Arguments] = list(found)
        while len(found) < count and self.attempts < self.effort:
            if recent and self.requires is not None and bits(1):
                # Inputs near one that was allowed are likely to be allowed.
                values = list(recent[bits(32) % len(recent)])
                if buffers and (not scalars or bits(1)):
                    index = buffers[bits(8) % len(buffers)]
                    values[index] = self.mutated_content(values[index], self.parameters[index])
                    if not self.aliases:
                        # The other buffers stay as they were allowed.
                        if add(tuple(values)):
                            recent.append(tuple(values))
                        continue
                if scalars:
                    index = scalars[bits(8) % len(scalars)]
                    values[index] = self.mutated(values[index], index, ranges[index])
                else:
                    values = [draw() if draw is not None else () for draw in draws]
            else:
                values = [draw() if draw is not None else () for draw in draws]
            if len(scalars) > 1 and not bits(2):
                first, second = scalars[bits(8) % len(scalars)], scalars[bits(8) % len(scalars)]
                value = values[second] + (0, 0, 1, -1)[bits(2)]  # type: ignore[operator]
                if ranges[first][0] <= value <= ranges[first][1]:
                    values[first] = value
            if suggestions and bits(2):
                self.suggest(values, ranges)
            arguments = complete(values)
            if add(arguments) and self.requires is not None:
                recent.append(arguments)

    def mutated_content(self, content: Argument, parameter: Parameter) -> Argument:
        """A buffer with some elements changed: to small numbers, constants, neighbours of other elements."""
        bits, constants = self.random.getrandbits, self.hints.constants
        if not isinstance(content, tuple) or not content:
            return content
        elements = list(content)
        for _ in range(1 + bits(2)):
            at, choice = bits(16) % len(elements), bits(2)
            if choice == 0:
                value = bits(4)
            elif choice == 1 and constants:
                value = constants[bits(16) % len(constants)] + (0, 0, 1, -1)[bits(2)]
            elif choice == 2:
                value = elements[bits(16) % len(elements)] + (0, 0, 1, -1)[bits(2)]
            else:
                value = bits(parameter.type.bits) + parameter.type.minimum
            if parameter.type.minimum <= value <= parameter.type.maximum:
                elements[at] = value
        return tuple(elements)

    def mutated(self, value: Argument, index: int, bounds: tuple[int, int]) -> int:
        assert isinstance(value, int)
        bits = self.random.getrandbits
        choice = bits(3)
        width = max(1, bounds[1].bit_length())
        if choice < 2:
            changed = value ^ (1 << bits(6) % width)
        elif choice == 2:
            # Two bits exchanged: as many ones as before.
            first, second = bits(6) % width, bits(6) % width
            differ = (value >> first ^ value >> second) & 1
            changed = value ^ (differ << first) ^ (differ << second)
        elif choice < 5:
            changed = value + (1 if bits(1) else -1) * (1 + (bits(8) >> bits(3)))
        else:
            draw = self.draws[index]
            changed = draw() if draw is not None else value
        return changed if bounds[0] <= changed <= bounds[1] else value

    def suggest(self, values: list[Argument], ranges: list[tuple[int, int]]) -> None:
        """Gives one parameter the value that an equation of `requires` names."""
        suggestion = self.hints.suggestions[self.random.getrandbits(16) % len(self.hints.suggestions)]
        if any(v == () for v in values):
            values[:] = self.with_buffers(values)
        try:
            value = suggestion.value(*values)
        except OracleFault:
            return
        low, high = ranges[suggestion.index]
        if isinstance(value, int) and low <= value <= high:
            values[suggestion.index] = int(value)

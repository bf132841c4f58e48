"""What the build graph must know of an intent before it is built: read in a fraction of a millisecond.

A null build reads every file this way and no other. Whoever builds the file reads it properly and refuses what
is wrong with it, so what is unclear here is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEY = re.compile(r"""^\ufeff?["']?(uses|targets|program)["']?[ \t]*:""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outline:
    program: str | None = None
    """The executable's name; None for a function."""
    targets: tuple[str, ...] | None = None
    uses: tuple[str, ...] = ()
    """Paths relative to the file's folder."""


def outline(text: str) -> Outline:
    """The keys `program`, `targets` and `uses` of an intent file's `text`."""
    if not _KEY.search(text):
        return Outline()
    import yaml

    try:
        document = yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return Outline()
    if not isinstance(document, yaml.MappingNode):
        return Outline()
    values = {key.value: value for key, value in document.value if isinstance(key, yaml.ScalarNode)}
    program = values.get("program")
    return Outline(
        program=program.value if isinstance(program, yaml.ScalarNode) else None,
        targets=_texts(values["targets"]) if "targets" in values else None,
        uses=_texts(values["uses"]) if "uses" in values else (),
    )


def _texts(node: object) -> tuple[str, ...]:
    """The texts of a YAML sequence, or of a single scalar."""
    import yaml

    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return tuple(item.value for item in items if isinstance(item, yaml.ScalarNode))

"""The figures of a campaign, as a table for people and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from outcomes import EQUIVALENT, FAULT, OUTCOMES, PROVED, REFUSED, REFUTED, SURVIVOR, UNDECIDED, Campaign

_COLUMNS = ("mutants", *OUTCOMES, "functions", "seconds")
_HEADS = {REFUSED: "refused", REFUTED: "refuted", EQUIVALENT: "proved, equal", UNDECIDED: "undecided",
          SURVIVOR: "survivors", FAULT: "faults"}


def figures(campaigns: Sequence[Campaign]) -> dict[str, Any]:
    """Counts by target and by kind, the originals that were not proved, and the mutants that nobody knows about."""
    targets = list(dict.fromkeys(c.target for c in sorted(campaigns, key=lambda c: c.target)))
    return {
        "targets": {t: _row([c for c in campaigns if c.target == t]) for t in targets},
        "all": _row(campaigns),
        "kinds": _kinds(campaigns),
        "originals not proved": [{"intent": c.intent, "target": c.target, "status": c.original,
                                  "why": c.original_detail, "mutants": _outcomes([c])}
                                 for c in sorted(campaigns, key=lambda c: (c.intent, c.target))
                                 if c.original not in PROVED],
        "undecided": [{"intent": c.intent, "target": c.target, "kind": j.kind, "what": j.what, "why": j.detail}
                      for c in sorted(campaigns, key=lambda c: (c.intent, c.target)) for j in c.judged
                      if j.outcome == UNDECIDED],
    }


def _outcomes(campaigns: Iterable[Campaign]) -> dict[str, int]:
    counts = Counter(j.outcome for c in campaigns for j in c.judged)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _row(campaigns: Sequence[Campaign]) -> dict[str, Any]:
    return {
        "functions": len(campaigns),
        "functions not proved": sum(c.original not in PROVED for c in campaigns),
        "mutants": sum(len(c.judged) for c in campaigns),
        **_outcomes(campaigns),
        "not assembled": sum(c.not_assembled for c in campaigns),
        "same bytes": sum(c.same_bytes for c in campaigns),
        "fewest vectors": min((c.vectors for c in campaigns if c.vectors), default=0),
        "most vectors": max((c.vectors for c in campaigns), default=0),
        "seconds": round(sum(j.seconds for c in campaigns for j in c.judged), 1),
    }


def _kinds(campaigns: Sequence[Campaign]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for campaign in campaigns:
        for judged in campaign.judged:
            found.setdefault(judged.kind, Counter())[judged.outcome] += 1
    return {kind: {outcome: counts[outcome] for outcome in OUTCOMES} for kind, counts in sorted(found.items())}


def table(result: dict[str, Any]) -> str:
    """By target, by kind, and what was left open."""
    rows = [*result["targets"].items(), ("all", result["all"])]
    heads = [_HEADS.get(c, c) for c in _COLUMNS]
    lines = [f"{'':20}" + "".join(f"{head:>15}" for head in heads)]
    lines += [f"{name:20}" + "".join(f"{row[c]:>15}" for c in _COLUMNS) for name, row in rows]
    lines += ["", f"{'':20}" + "".join(f"{_HEADS[o]:>15}" for o in OUTCOMES)]
    lines += [f"{kind:20}" + "".join(f"{counts[o]:>15}" for o in OUTCOMES)
              for kind, counts in result["kinds"].items()]
    whole = result["all"]
    lines += [
        "", f"{whole['not assembled']} changes came to no instruction, {whole['same bytes']} to bytes known already.",
        f"What was proved was run on {whole['fewest vectors']:,} to {whole['most vectors']:,} inputs each."]
    for one in result["originals not proved"]:
        lines.append(f"not proved itself: {one['intent']} for {one['target']}: {one['status']}, {one['why']}")
    return "\n".join(lines)

from __future__ import annotations

import json

from intent_tool.emit.report import FIELDS, failed_record, report_text


def test_one_record_a_line_sorted() -> None:
    records = [
        {"intent": "intents/b.intent", "target": "arm64", "cached": True},
        {"intent": "intents/a.intent", "target": "x86_64", "bytes": 12},
        failed_record("intents/a.intent", "arm64", ["why"], 0.5),
    ]
    text = report_text(records)
    loaded = json.loads(text)
    assert loaded["version"] == 1
    assert [(r["intent"], r["target"]) for r in loaded["records"]] == [
        ("intents/a.intent", "arm64"), ("intents/a.intent", "x86_64"), ("intents/b.intent", "arm64")]
    assert all(tuple(record) == FIELDS for record in loaded["records"])
    assert len(text.splitlines()) == 2 + len(records)
    failed = loaded["records"][0]
    assert (failed["evidence"], failed["bytes"]) == ("none", None)
    assert (failed["problems"], failed["seconds"]) == (["why"], 0.5)


def test_an_empty_report_is_a_report() -> None:
    assert json.loads(report_text([])) == {"version": 1, "records": []}

from __future__ import annotations

from xml.etree import ElementTree

from intent_tool.emit.junit import Case, junit_text


def test_counts_and_texts() -> None:
    cases = [
        Case("arm64.intents", "b", 0.25, "3 examples"),
        Case("arm64.intents", "a", 0.5, failure="b(1) is 2, must be 3\nb(2) is 3, must be 4"),
        Case("arm64.intents", "c", 0.0, error="there is no binary"),
    ]
    suite = ElementTree.fromstring(junit_text("intents.arm64", cases).encode())
    assert suite.attrib == {"name": "intents.arm64", "tests": "3", "failures": "1", "errors": "1", "skipped": "0",
                            "time": "0.750"}
    assert [case.get("name") for case in suite] == ["a", "b", "c"]
    failure = suite[0].find("failure")
    assert failure is not None and failure.get("message") == "b(1) is 2, must be 3"
    assert failure.text == "b(1) is 2, must be 3\nb(2) is 3, must be 4"
    assert suite[1].findtext("system-out") == "3 examples"
    error = suite[2].find("error")
    assert error is not None and error.get("message") == "there is no binary"


def test_texts_that_xml_cannot_hold_are_shown_as_replacement_characters() -> None:
    text = 'a\0b\x1b[31m<&>"]]>\ud800\uffff é \U0001f600'
    suite = ElementTree.fromstring(junit_text("s\"<", [Case("c", "n", 0, output=text, failure=text)]).encode())
    shown = 'a\ufffdb\ufffd[31m<&>"]]>\ufffd\ufffd é \U0001f600'
    assert suite.get("name") == 's"<'
    assert suite[0].findtext("system-out") == shown
    assert suite[0].findtext("failure") == shown

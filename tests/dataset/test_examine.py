"""All rules over one data set: order, rules that break off, interrupts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from trainclinic.catalogue.load import Entry
from trainclinic.catalogue.verdict import NotEvaluated, Verdict
from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.data import Data
from trainclinic.dataset.examine import CANNOT_FINISH, INTERRUPTED, all_rules, examine


def data(folder: Path) -> Data:
    (folder / "train.jsonl").write_text('{"prompt": "a", "completion": ""}\n' * 3, encoding="utf-8")
    return Data(open_corpus([folder / "train.jsonl"]))


def raising(code: str, error: BaseException) -> Entry[Data]:
    def check(_: Data) -> Verdict:
        raise error

    entry = all_rules()[code]
    return replace(entry, rule=replace(entry.rule, check=check))


def test_present_findings_come_first_and_the_most_harmful_before_others(tmp_path: Path) -> None:
    found = examine(data(tmp_path), strict=True)
    assert len(found) == len(all_rules())
    severities = [finding.severity for finding in found if finding.is_present]
    assert severities == sorted(severities, reverse=True)
    assert [finding.is_present for finding in found] == sorted((f.is_present for f in found), reverse=True)


def test_a_rule_that_breaks_off_takes_no_other_down(tmp_path: Path) -> None:
    found = examine(data(tmp_path), [raising("DUP001", ValueError("x")), all_rules()["ANS001"]])
    assert [finding.verdict for finding in found if finding.entry.rule.code == "DUP001"] == [
        NotEvaluated(CANNOT_FINISH)
    ]
    assert found[0].entry.rule.code == "ANS001"
    assert found[0].is_present


def test_an_interrupt_keeps_what_was_answered_and_asks_no_more(tmp_path: Path) -> None:
    rules = [all_rules()["ANS001"], raising("DUP001", KeyboardInterrupt()), all_rules()["DUP003"]]
    found = {finding.entry.rule.code: finding for finding in examine(data(tmp_path), rules)}
    assert found["ANS001"].is_present
    assert found["DUP001"].verdict == found["DUP003"].verdict == NotEvaluated(INTERRUPTED)

"""One suite that every rule on data must pass: its page, its cases, and odd data."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainclinic.catalogue.page import HEADINGS
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present
from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.data import Data
from trainclinic.dataset.examine import all_rules, examine
from trainclinic.encoding.preparation import Plan, Preparation, Stated

RULES = all_rules()
CASES = Path(__file__).parent / "cases"
KINDS = ("present", "absent")

ODD_DATA = {
    "one empty object": "{}\n",
    "one number": "3\n",
    "one row": '{"prompt": "a", "completion": "b"}\n',
    "only white space": '{"prompt": " ", "completion": "\\n"}\n' * 30,
    "lone surrogates": '{"prompt": "\\ud800", "completion": "\\udfff\\ud83d"}\n' * 3,
    "no white space": '{"text": "' + "x" * 100_000 + '"}\n',
    "null bytes": '{"text": "a\\u0000b"}\n',
    "ids": '{"input_ids": [1, 2, 3], "labels": [-100, 2, 3]}\n{"input_ids": [], "labels": []}\n',
    "odd ids": '{"input_ids": [-1, 99999999999], "labels": [1]}\n',
    "every role": '{"messages": [{"role": "system", "content": ""}, {"role": "x", "content": "y"}]}\n',
    "a pair": '{"prompt": "a", "chosen": "b", "rejected": "b"}\n' * 60,
    "feedback": '{"prompt": "a", "completion": "b", "label": true}\n' * 60,
    "tools": '{"messages": [{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f"}}]}]}\n',
}


@cache
def settings() -> tuple[Preparation, Plan]:
    def said(value: object) -> Stated:  # type: ignore[type-arg]
        return Stated(value, "the test")

    preparation = Preparation(
        scored=said("answers"), appends_end=said(True), adds_specials=said(True), max_length=said(64), pad=said(""),
        masks_pads=said(False), response_marker=said("### Response:"), vocabulary=said(300), packing=said(False),
        pads_to_maximum=said(True), scores_padding=said(True), template=said("chatml"),
    )  # fmt: skip
    plan = Plan(
        micro_batch=said(2), steps=said(100), warmup_steps=said(10), seed=said(1), rows=said(5), full_weights=said(True)
    )
    return preparation, plan


@pytest.mark.parametrize("code", RULES)
def test_the_page_has_every_heading_with_text(code: str) -> None:
    page = RULES[code].page
    assert tuple(page.sections) == HEADINGS
    assert all(page.sections.values())
    assert page.title.endswith(".")
    assert re.search(r"https?://\S+", page.sections["References"])


@pytest.mark.parametrize("code", RULES)
def test_there_is_a_case_of_each_kind(code: str) -> None:
    text = (CASES / f"{code}-{RULES[code].rule.slug}.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert f"\n## {kind}:" in text


@pytest.mark.parametrize("code", RULES)
def test_thresholds_have_reasons(code: str) -> None:
    for threshold in RULES[code].rule.thresholds:
        assert len(threshold.why) > 20
        assert threshold.unit


@pytest.mark.parametrize("stated", [False, True], ids=["nothing stated", "everything stated"])
@pytest.mark.parametrize("name", ODD_DATA)
def test_every_rule_answers_odd_data_without_raising(name: str, stated: bool, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(ODD_DATA[name], encoding="utf-8")
    corpus = open_corpus([tmp_path / "train.jsonl"])
    data = Data(corpus, None, *settings()) if stated else Data(corpus)
    for finding in examine(data, strict=True):
        verdict = finding.verdict
        assert isinstance(verdict, (Present, Absent, NotEvaluated))
        for evidence in getattr(verdict, "evidence", ()):
            assert evidence.says
            assert "\n" not in evidence.says
            assert not re.search(r"np\.|array\(|\bNone\b|\bnan\b", evidence.says), evidence.says


def test_the_slugs_of_all_rooms_are_apart() -> None:
    from trainclinic.findings.examine import all_rules as rules_of_runs
    from trainclinic.script.examine import all_rules as rules_of_scripts

    slugs = [entry.rule.slug for rules in (RULES, rules_of_runs(), rules_of_scripts()) for entry in rules.values()]
    codes = [code for rules in (RULES, rules_of_runs(), rules_of_scripts()) for code in rules]
    assert len(slugs) == len(set(slugs))
    assert len(codes) == len(set(codes))

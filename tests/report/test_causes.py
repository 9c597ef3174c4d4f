"""From weighed verdicts to what is printed: entries, the reading of the probabilities, and their words."""

from __future__ import annotations

import dataclasses
import types
from typing import Any

import pytest

from tests.report import fixed_documents
from trainclinic.catalogue.cause import ALWAYS, USUALLY, Cause, Excluded, Expect
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Verdict
from trainclinic.causes.infer import Answer, Suspect, Weighed
from trainclinic.causes.next_tests import NextTest
from trainclinic.causes.refutation import RuledOut
from trainclinic.record.source import Source
from trainclinic.report import cause_wording
from trainclinic.report.cause_entries import CauseEntry, CauseEvidence
from trainclinic.report.evidence_lines import evidence_lines
from trainclinic.report.model import Document
from trainclinic.report.render import render
from trainclinic.report.sections.causes import cause_entries, next_test_entries, ruled_out_entries
from trainclinic.report.sections.summary import summary

AT = Source("train.log", 3)
SHIFT = Cause(
    slug="double-label-shift", title="Labels shifted twice", family="loss-definition", incidents=7, decided_by=("log",),
    decisive_test="compare label offsets", false_diagnosis="a small model",
    expects=(Expect("initial-loss-too-high", ALWAYS, "the targets are one token too far"),
             Expect("garbled-generation", USUALLY, "it learns the word after next")),
    excluded_by=(Excluded("plausible-first-loss", "the first loss is already wrong"),),
)  # fmt: skip


def weighed(slug: str, verdict: Verdict, weight: float, why: str) -> Weighed:
    return Weighed(Answer("XXX000", slug, verdict), weight, why)


FIRST = Present((Evidence("loss is 9.227 at step 0", AT, 0, "train/loss"),))
NORMAL = Present((Evidence("loss is 3.6 at step 0", AT, 0),))


def inference(**parts: Any) -> Any:
    """Only what the report asks of an inference."""
    return types.SimpleNamespace(**{"suspects": (), "ruled_out": (), "next_tests": (), "capped": False, **parts})


def test_an_entry_has_the_evidence_with_its_place_and_the_page_s_first_line() -> None:
    for_it = weighed("initial-loss-too-high", FIRST, 2.5, "the targets are one token too far")
    (entry,) = cause_entries(inference(suspects=(Suspect(SHIFT, 0.800049, (for_it,)),)))
    (evidence,) = entry.evidence_for
    assert (entry.slug, entry.probability, entry.is_fault) == ("double-label-shift", 0.8, True)
    assert entry.says
    assert not entry.says.endswith(".")
    assert (evidence.says, evidence.path, evidence.line, evidence.step) == (
        "loss is 9.227 at step 0",
        "train.log",
        3,
        0,
    )
    assert (evidence.strength, evidence.state, evidence.why) == (
        "strong",
        "present",
        "the targets are one token too far",
    )


def test_a_probability_that_was_held_down_says_so() -> None:
    other = Suspect(dataclasses.replace(SHIFT, slug="unknown", family="undetermined"), 0.9)
    entries = cause_entries(inference(suspects=(other, Suspect(SHIFT, 0.8)), capped=True))
    assert [entry.held for entry in entries] == [False, True]
    assert cause_wording.lead(diagnosed("sick", entries[1])).startswith("Held at 80 %: ")
    assert cause_wording.lead(diagnosed("sick", dataclasses.replace(entries[1], held=False))) == ""


def test_an_absence_says_that_it_would_be_expected_and_an_exclusion_only_why() -> None:
    missing = weighed("garbled-generation", Absent(), -1.5, "it learns the word after next")
    excluded = weighed("plausible-first-loss", NORMAL, -7.0, "the first loss is already wrong")
    (entry,) = cause_entries(inference(suspects=(Suspect(SHIFT, 0.1, (), (excluded, missing)),)))
    by_slug = {evidence.slug: evidence for evidence in entry.evidence_against}
    assert by_slug["garbled-generation"].why == "it would be expected, because it learns the word after next"
    assert by_slug["garbled-generation"].state == "absent"
    assert by_slug["plausible-first-loss"].why == "the first loss is already wrong"
    assert by_slug["plausible-first-loss"].strength == "decisive"


def test_an_exclusion_by_an_absence_says_only_why() -> None:
    needs = dataclasses.replace(SHIFT, excluded_by=(Excluded("float16-training", "float16 is not used", "absent"),))
    excluded = weighed("float16-training", Absent(), -7.0, "float16 is not used")
    (entry,) = cause_entries(inference(suspects=(Suspect(needs, 0.1, (), (excluded,)),)))
    assert entry.evidence_against[0].why == "float16 is not used"


def test_what_is_ruled_out_holds_the_refuting_number() -> None:
    refuted = RuledOut(SHIFT, Answer("LOS224", "plausible-first-loss", NORMAL), "the first loss is already wrong")
    absent = Answer("EVA502", "rising-eval-loss", Absent((Evidence("gap 1.0 %", AT),)))
    gone = RuledOut(SHIFT, absent, "it would be expected, because rows are learned by heart")
    first, second = ruled_out_entries(inference(ruled_out=(refuted, gone)))
    assert first.because == "loss is 3.6 at step 0: the first loss is already wrong"
    assert (first.code, first.path, first.line, first.step) == ("LOS224", "train.log", 3, 0)
    assert second.because == (
        "no rising evaluation loss (gap 1.0 %): it would be expected, because rows are learned by heart"
    )


def test_a_test_tells_code_from_settings_and_names_causes_by_title() -> None:
    run = NextTest("label-shift", "Is it the next token?", "print(1)", 2.0, 0.41234567, ("double-label-shift",))
    log = NextTest("nan-loss", "Does the run show NaN loss?", "pass or log: `train/loss`", 120.0, 0.1, ())
    first, second = next_test_entries(inference(next_tests=(run, log)))
    assert (first.kind, first.cost, first.gain, first.decides) == ("run", "2 min", 0.4123, ("Labels shifted twice",))
    assert (second.kind, second.cost, second.decides) == ("log", "2 h", ())


def test_each_answer_says_what_it_points_to() -> None:
    entry = fixed_documents.spike().next_tests[0]
    both = dataclasses.replace(entry, yes=("LoRA frozen", "Batch too small"), no=("Labels shifted twice",))
    assert cause_wording.points(both) == [
        "yes points to LoRA frozen, or batch too small",
        "no points to labels shifted twice",
    ]
    one = dataclasses.replace(entry, yes=(), no=("Labels shifted twice",))
    assert cause_wording.points(one) == ["no points to labels shifted twice", "yes speaks against that"]
    assert cause_wording.points(dataclasses.replace(entry, yes=("A",), no=("A",))) == []
    unlisted = dataclasses.replace(entry, yes=("None of the causes listed here",), no=())
    assert cause_wording.points(unlisted)[0] == "yes points to an unlisted cause"


def verdict_on(slug: str, state: Any, says: str, why: str, line: int | None = 3) -> CauseEvidence:
    return CauseEvidence("XXX000", slug, state, "strong", says, why, "train.log" if line else None, line)


def test_verdicts_on_one_observation_are_one_line_with_every_reason() -> None:
    first = verdict_on(
        "initial-loss-too-high", "present", "loss is 9.227 at step 0, where it starts at 3", "targets are off"
    )
    other = verdict_on("wrong-value-before-first-update", "present", "loss is 9.227 at step 0", "no update was made")
    far = verdict_on("loss-plateau", "present", "loss stays at 6.6", "it knows frequencies only", 9)
    (one, two) = evidence_lines((first, other, far))
    assert one.says == "loss is 9.227 at step 0, where it starts at 3"
    assert one.why == "targets are off; no update was made"
    assert two.says == "loss stays at 6.6"


def test_what_each_verdict_adds_to_one_observation_is_kept() -> None:
    first = verdict_on(
        "persistent-nan", "present", "loss is nan at step 1, and no row after it is good", "weights hold NaN"
    )
    other = verdict_on("nan-loss", "present", "loss is nan at step 1, first of 2 in 3", "weights hold NaN for good")
    (one,) = evidence_lines((first, other))
    assert one.says == "loss is nan at step 1, and no row after it is good; first of 2 in 3"
    assert one.why == "weights hold NaN"


def test_absences_behind_one_number_are_named_together() -> None:
    says = "the loss is logged as non-finite in 2 of 3 rows"
    first = verdict_on(
        "nan-hidden-as-zero", "absent", says, "it would be expected, because the filter prints 0.0", None
    )
    other = verdict_on(
        "nan-filter-inflation", "absent", says, "it would be expected, because one row is inflated", None
    )
    bare = verdict_on("loss-spike", "absent", "", "it would be expected, because it jumps", None)
    (one, two) = evidence_lines((first, other, bare))
    assert one.says == f"no NaN hidden as zero, no NaN filter inflation ({says})"
    assert one.why == "it would be expected, because the filter prints 0.0; one row is inflated"
    assert two.says == "no loss spike"


def test_the_same_words_at_another_place_are_another_observation() -> None:
    first = verdict_on("loss-spike", "present", "loss is 5 at step 1", "it jumps")
    assert len(evidence_lines((first, dataclasses.replace(first, line=8)))) == 2
    assert len(evidence_lines((first, dataclasses.replace(first, state="absent")))) == 2


def cause(slug: str, family: str, probability: float) -> CauseEntry:
    return CauseEntry(slug, slug.capitalize(), family, probability)


def diagnosed(verdict: str, *causes: CauseEntry) -> Document:
    return dataclasses.replace(fixed_documents.spike(), verdict=verdict, causes=causes)  # type: ignore[arg-type]


FAULT, FINE, UNLISTED = "data", "healthy-explanation", "undetermined"


@pytest.mark.parametrize(
    ("verdict", "causes", "reading"),
    [
        ("sick", [("a", FAULT, 0.5), ("b", FAULT, 0.3)], "answer"),
        ("sick", [("a", FAULT, 0.49), ("b", FAULT, 0.3)], "undecided"),
        ("sick", [("unknown", UNLISTED, 0.6), ("b", FAULT, 0.3)], "undecided"),
        ("sick", [("a", FINE, 0.8), ("b", FAULT, 0.1)], "answer"),
        ("healthy", [("a", FINE, 0.8), ("b", FAULT, 0.1)], "quiet"),
        ("healthy", [("a", FAULT, 0.4), ("b", FINE, 0.3)], "quiet"),
        ("healthy", [("a", FAULT, 0.6), ("b", FINE, 0.3)], "answer"),
        ("undetermined", [("a", FINE, 0.3), ("b", FINE, 0.3)], "quiet"),
        ("undetermined", [("a", FINE, 0.3), ("b", FAULT, 0.3)], "undecided"),
    ],
)
def test_the_reading_claims_no_more_than_the_probabilities(verdict: str, causes: list[Any], reading: str) -> None:
    document = diagnosed(verdict, *(cause(*one) for one in causes))
    assert cause_wording.reading(document) == reading
    assert ("does not decide" in cause_wording.heading(document)) == (reading == "undecided")


@pytest.mark.parametrize("form", ["terminal", "md", "html"])
def test_every_text_format_says_that_the_evidence_does_not_decide(form: Any) -> None:
    shown = render([fixed_documents.undecided()], form).lower()
    assert "the evidence does not decide" in shown
    assert "no cause reaches 50 %" in shown
    assert "most probable cause" not in shown


@pytest.mark.parametrize("form", ["terminal", "md", "html"])
def test_a_healthy_run_gets_one_line_and_no_wall(form: Any) -> None:
    shown = render([fixed_documents.quiet()], form)
    assert "Nothing wrong: ordinary convergence, 80 %." in shown
    assert "MPS" not in shown
    assert "model.cpu()" not in shown


@pytest.mark.parametrize("form", ["terminal", "md", "html"])
def test_the_answer_stands_above_what_is_ruled_out_the_test_the_level_and_the_findings(form: Any) -> None:
    shown = render([fixed_documents.spike()], form, width=100).lower()
    shown = shown.partition("<main")[2] or shown
    marks = ["most probable causes", "ruled out", "what would settle it", "why it is stuck", "what this run shows"]
    places = [shown.index(mark) for mark in marks]
    assert places == sorted(places)


@pytest.mark.parametrize("form", ["terminal", "md", "html", "json"])
def test_every_format_has_each_side_the_strength_and_the_place(form: Any) -> None:
    shown = " ".join(render([fixed_documents.spike()], form, width=200).split())
    for text in ("strong", "first loss 9.227 nats/token at step 0", "the targets are one token too far", "moderate",
                 "12 of 12 outputs are sentences", "because the model learns the word after next", "generations.txt",
                 "Compute the loss at label offsets 0 to 3", "a model or learning rate that is too small"):  # fmt: skip
        assert text in shown
    if form != "json":
        assert "no garbled generation" in shown
        assert "80 %" in shown


@pytest.mark.parametrize("form", ["terminal", "md", "html"])
def test_code_that_is_to_be_copied_keeps_every_character(form: Any) -> None:
    shown = render([fixed_documents.spike()], form, width=120)
    code = fixed_documents.spike().next_tests[0].how
    for line in code.splitlines():
        assert line in shown


@pytest.mark.parametrize(
    ("form", "signs"),
    [("terminal", ("+ strong", "- moderate")), ("md", ("➕ **strong**", "➖ **moderate**")), ("html", ("+ strong", "− moderate"))],
)  # fmt: skip
def test_the_sign_says_which_side_a_verdict_is_on(form: Any, signs: tuple[str, str]) -> None:
    shown = render([fixed_documents.spike()], form, width=200)
    first, against = (shown.index(sign) for sign in signs)
    assert first < shown.index("the targets are one token too far") < against < shown.index("the model learns the word")


def test_a_table_of_runs_names_the_most_probable_cause() -> None:
    runs = [fixed_documents.spike(), fixed_documents.undecided(), fixed_documents.quiet()]
    for form in ("terminal", "md", "html"):
        shown = render(runs, form)  # type: ignore[arg-type]
        assert "most probable cause" in shown
        for cell in ("double label shift 80 %", "not decided", "nothing wrong 80 %"):
            assert cell in shown
    assert "most probable cause" not in render([fixed_documents.healthy(), fixed_documents.empty()], "terminal")


def test_causes_of_one_family_are_added_up_when_none_is_an_answer() -> None:
    near = [cause("a", "data", 0.4), cause("b", "data", 0.3), cause("c", "data", 0.05)]
    assert "data: together 70 %" in cause_wording.lead(diagnosed("sick", *near))
    apart = [cause("a", "data", 0.4), cause("b", "optimisation", 0.3)]
    assert "together" not in cause_wording.lead(diagnosed("sick", *apart))


@pytest.mark.parametrize(("second", "said"), [(0.2, False), (0.5, True)])
def test_shares_of_causes_that_act_together_may_exceed_one(second: float, said: bool) -> None:
    lead = cause_wording.lead(diagnosed("sick", cause("a", FAULT, 0.8), cause("b", "throughput", second)))
    assert ("more than 100 %" in lead) == said


def test_an_unlisted_cause_in_front_is_said() -> None:
    says = cause_wording.lead(diagnosed("sick", cause("unknown", UNLISTED, 0.6), cause("a", FAULT, 0.2)))
    assert "fits none of the listed causes well" in says
    assert "`a`, stands at 20 %" in says


@pytest.mark.parametrize(
    ("probability", "bar"), [(0.0, "░░░░"), (0.5, "██░░"), (0.53125, "██▏░"), (1.0, "████"), (0.999, "████")]
)
def test_a_bar_is_as_long_as_its_probability(probability: float, bar: str) -> None:
    assert cause_wording.bar(probability, 4) == bar


@pytest.mark.parametrize(("probability", "share"), [(0.001, "<1 %"), (0.8, "80 %"), (0.996, ">99 %")])
def test_a_share_is_never_certain(probability: float, share: str) -> None:
    assert cause_wording.share(probability) == share


@pytest.mark.parametrize(("probability", "named"), [(0.5, True), (0.49, False)])
def test_the_summary_names_a_cause_only_when_it_is_likely(probability: float, named: bool) -> None:
    from tests.report.example_runs import spike_record
    from trainclinic.findings.overall import Overall
    from trainclinic.report.model import Identity
    from trainclinic.signals.measured import Measured

    entry = fixed_documents.shifted(probability)
    says = summary(Measured(spike_record()), Identity("b"), Overall("sick", "x"), (), (), (entry,))
    sentence = (
        "Most probable cause (50 %): Labels shifted twice; above all because first loss 9.227 nats/token at step 0."
    )
    assert (sentence in says) == named
    assert ("Most probable cause" in says) == named


def test_the_summary_does_not_repeat_what_it_said_of_the_first_finding() -> None:
    from tests.report.example_runs import spike_findings, spike_record
    from trainclinic.findings.overall import Overall
    from trainclinic.report.model import Identity
    from trainclinic.report.sections.entries import present_entries
    from trainclinic.signals.measured import Measured

    findings = present_entries(spike_findings())
    (first,) = fixed_documents.shifted().evidence_for
    same = dataclasses.replace(first, says=findings[0].says)
    flat = dataclasses.replace(first, says="loss stays at 6.64")
    entry = dataclasses.replace(fixed_documents.shifted(), evidence_for=(same, flat))
    says = summary(Measured(spike_record()), Identity("b"), Overall("sick", "x"), findings, (), (entry,))
    assert "Labels shifted twice; what also speaks for it: loss stays at 6.64." in says
    assert says.count(findings[0].says) == 1


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["spike", "undecided", "quiet"])
def test_causes_fit_into_the_width_and_say_the_same_without_colour(width: int, name: str) -> None:
    document = getattr(fixed_documents, name)()
    plain = render([document], "terminal", width=width)
    assert max(map(len, plain.splitlines())) <= width
    assert "\x1b" not in plain


SETTING = CauseEvidence("CIR907", "sharded-training", "present", "moderate", "`fsdp` is `true`", "")


def test_settings_alone_name_no_cause() -> None:
    sharded = dataclasses.replace(cause("a", FAULT, 0.34), evidence_for=(SETTING,))
    document = diagnosed("undetermined", sharded, cause("unknown", UNLISTED, 0.3))
    assert cause_wording.reading(document) == "quiet"
    assert cause_wording.lead(document).startswith("No cause can be told")
    seen = dataclasses.replace(SETTING, code="LOS205", slug="loss-spike")
    told = dataclasses.replace(sharded, evidence_for=(SETTING, seen))
    assert cause_wording.reading(diagnosed("undetermined", told)) == "undecided"
    assert cause_wording.reading(diagnosed("sick", sharded)) == "undecided"


def test_a_cause_without_evidence_has_a_bar_and_no_page() -> None:
    bare = cause("ordinary", FINE, 0.2)
    document = diagnosed("sick", fixed_documents.shifted(), bare)
    assert cause_wording.told(document) == [fixed_documents.shifted()]
    assert cause_wording.shown(document) == [fixed_documents.shifted(), bare]


def test_nothing_wrong_is_only_probable_where_the_verdict_is_open() -> None:
    fine = cause("ordinary-course", FINE, 0.8)
    assert cause_wording.lead(diagnosed("healthy", fine)) == "Nothing wrong: ordinary-course, 80 %."
    assert cause_wording.lead(diagnosed("undetermined", fine)) == "Probably nothing wrong: ordinary-course, 80 %."


@pytest.mark.parametrize("form", ["terminal", "md", "html"])
def test_what_only_explains_is_noted_in_a_line_and_whole_in_the_data(form: Any) -> None:
    shown = render([fixed_documents.spike()], form, width=120)
    shown = shown.partition("<main")[2] or shown
    place = shown.index("Also noted")
    assert shown.count("wrong value before first update") == 1
    assert place < shown.index("wrong value before first update")
    assert shown.index("time gap") < place
    assert '"slug": "wrong-value-before-first-update"' in render([fixed_documents.spike()], "json")


def test_every_aside_is_a_rule() -> None:
    from trainclinic.findings.examine import all_rules
    from trainclinic.report.sections.entries import ASIDES

    assert {entry.rule.slug for entry in all_rules().values()} >= ASIDES


def test_a_comparison_is_told_by_its_difference() -> None:
    from trainclinic.report.sections.entries import telling

    both = (Evidence("`a`: loss 5", AT), Evidence("`b`: loss 3", AT))
    apart = (*both, Evidence("`a` is 66 % higher than `b`", AT))
    assert telling("CMP952", apart).says == "`a` is 66 % higher than `b`"
    assert telling("CMP952", both).says == "`a`: loss 5; `b`: loss 3"
    assert telling("CMP954", (*both, Evidence("they differ by a factor of 5"))).says == "`a`: loss 5; `b`: loss 3"
    assert telling("LOS205", apart).says == "`a`: loss 5"

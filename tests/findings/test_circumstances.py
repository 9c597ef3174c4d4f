"""Circumstances are read strictly: each has files that show it, files that show the opposite, and files that tell nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.contract.test_rules import ODD_RUNS, run_of
from tests.findings.circumstance_examples import ABSENT, NEARLY, PRESENT, SILENT, Example

from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present
from trainclinic.findings.circumstances import all_circumstances, circumstances_of
from trainclinic.findings.examine import all_rules
from trainclinic.readers.collect import collect
from trainclinic.record.vocabulary import FACTS
from trainclinic.signals.accelerators import maker_of
from trainclinic.signals.measured import Measured
from trainclinic.signals.pretrained_families import is_chat_model, ties_embeddings

CODES = all_circumstances()


def measured(folder: Path, files: Example) -> Measured:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (record,) = collect(folder).records
    return Measured(record)


def _cases(examples: dict[str, list[Example]]) -> list[object]:
    return [
        pytest.param(code, files, id=f"{code}-{number}")
        for code, several in examples.items()
        for number, files in enumerate(several)
    ]


def test_every_circumstance_has_an_example_of_each_verdict() -> None:
    assert set(PRESENT) == set(ABSENT) == set(SILENT) == set(CODES)
    assert all(PRESENT.values())
    assert all(ABSENT.values())


@pytest.mark.parametrize(("code", "files"), _cases(PRESENT))
def test_it_is_present_with_the_place_it_was_read(code: str, files: Example, tmp_path: Path) -> None:
    verdict = CODES[code].check(measured(tmp_path, files))
    assert isinstance(verdict, Present), verdict
    assert any(e.source is not None or e.step is not None for e in verdict.evidence) or code in BY_COLUMNS
    assert all(e.says and not e.says.endswith(".") for e in verdict.evidence)


BY_COLUMNS = {"CIR919", "CIR920", "CIR937"}
"""The names of columns, or the shape of a whole one, stand in no line."""


@pytest.mark.parametrize(("code", "files"), _cases(ABSENT))
def test_it_is_absent_where_the_opposite_was_read(code: str, files: Example, tmp_path: Path) -> None:
    verdict = CODES[code].check(measured(tmp_path, files))
    assert isinstance(verdict, Absent), verdict
    assert verdict.evidence


@pytest.mark.parametrize(("code", "files"), [*_cases(NEARLY), *_cases({c: [f] for c, f in SILENT.items()})])
def test_silence_counts_neither_way(code: str, files: Example, tmp_path: Path) -> None:
    verdict = CODES[code].check(measured(tmp_path, files))
    assert isinstance(verdict, NotEvaluated), verdict
    assert verdict.missing


@pytest.mark.parametrize("axis", ["step", "epoch", "row"])
@pytest.mark.parametrize("name", ODD_RUNS)
@pytest.mark.filterwarnings("error")
def test_no_circumstance_raises_on_an_odd_run(name: str, axis: str) -> None:
    answers = circumstances_of(run_of(ODD_RUNS[name], axis))
    assert [one.code for one, _ in answers] == sorted(CODES)
    for _, verdict in answers:
        assert isinstance(verdict, (Present, Absent, NotEvaluated))
        for evidence in getattr(verdict, "evidence", ()):
            assert not re.search(r"np\.|array\(|\bNone\b", evidence.says)


def test_an_empty_run_tells_nothing() -> None:
    assert all(isinstance(verdict, NotEvaluated) for _, verdict in circumstances_of(run_of({})))


@pytest.mark.parametrize("code", CODES)
def test_the_entry_is_complete_and_names_facts_that_exist(code: str) -> None:
    one = CODES[code]
    assert re.fullmatch(r"CIR9\d\d", code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", one.slug)
    assert one.title.endswith(".")
    assert one.matters.endswith(".")
    assert any(need in FACTS or " " in need or "/" in need for need in one.needs)


def test_circumstances_are_no_rules() -> None:
    slugs = {entry.rule.slug for entry in all_rules().values()}
    assert len(slugs) >= 70
    assert not slugs & {one.slug for one in CODES.values()}


def test_codes_and_slugs_are_locked() -> None:
    locked = (Path(__file__).parents[2] / "codes.lock").read_text(encoding="utf-8").splitlines()
    assert {f"{code} {one.slug}" for code, one in CODES.items()} <= set(locked)


def test_a_contradiction_of_the_files_shows_on_both_sides(tmp_path: Path) -> None:
    files = {
        "train.log": "OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768\n"
        + "".join(f"step {n} loss 2.{n}\n" for n in range(1, 6)),
        "ds_config.json": '{"bf16": {"enabled": true}, "zero_optimization": {"stage": 1}}\n',
    }
    verdicts = {one.slug: verdict for one, verdict in circumstances_of(measured(tmp_path, files))}
    assert isinstance(verdicts["float16-training"], Present)
    assert isinstance(verdicts["bfloat16-training"], Present)


@pytest.mark.parametrize(
    ("name", "chat"),
    [
        ("meta-llama/Meta-Llama-3-8B", False),
        ("meta-llama/Meta-Llama-3-8B-Instruct", True),
        ("Qwen/Qwen2.5-7B", False),
        ("Qwen/Qwen3-8B", True),
        ("Qwen/Qwen3-8B-Base", False),
        ("google/gemma-2-9b-it", True),
        ("unsloth/mistral-7b-v0.3-bnb-4bit", False),
        ("lmsys/vicuna-7b-v1.5", True),
        ("out/checkpoint-500", None),
        ("/data/llama", None),
    ],
)
def test_names_of_checkpoints_tell_whether_they_know_dialogues(name: str, chat: bool | None) -> None:
    known = is_chat_model(name)
    assert (known[0] if known is not None else None) is chat


@pytest.mark.parametrize(
    ("name", "tied"),
    [
        ("meta-llama/Llama-3.2-1B", True),
        ("meta-llama/Llama-3.1-8B", False),
        ("Qwen/Qwen2.5-0.5B", True),
        ("Qwen/Qwen2.5-72B-Instruct", False),
        ("google/flan-t5-base", False),
        ("my-own-model", None),
    ],
)
def test_names_of_checkpoints_tell_whether_embeddings_are_shared(name: str, tied: bool | None) -> None:
    assert ties_embeddings(name) is tied


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("NVIDIA H100 80GB HBM3", "NVIDIA"),
        ("Tesla T4", "NVIDIA"),
        ("AMD Instinct MI250X", "AMD"),
        ("gfx1100", "AMD"),
        ("Apple M3 Ultra", "Apple"),
        ("TPU v4", None),
    ],
)
def test_names_of_accelerators_tell_their_maker(name: str, maker: str | None) -> None:
    assert maker_of(name) == maker

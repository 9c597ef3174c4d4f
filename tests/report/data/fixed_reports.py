"""A small report on data with a row that holds everything a row can show, and one on data without any symptom."""

from __future__ import annotations

from trainclinic.dataset.placement import Placement
from trainclinic.dataset.showing import ShownRow, ShownToken
from trainclinic.record.source import Source
from trainclinic.report.data.model import DataReport, FileEntry, Histogram
from trainclinic.report.model import AbsentEntry, FindingEntry, Item, NotEvaluatedEntry, Observation, Warned

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


def token(text: str, number: int, part: str, look: str = "", skipped: int = 0) -> ShownToken:
    """A token; `look` holds `s` for a loss, `c` for cut off, `e` for an end token, `x` for a special token."""
    label = number if set(look) & set("sc") else -100
    flags = ("s" in look, "c" not in look, "e" in look, "x" in look)
    return ShownToken(text, (number,), (label,), part, *flags, skipped)


def row() -> ShownRow:
    """A question with an answer that is cut off before its end token."""
    tokens = (
        token("<|user|>", 1, "frame", "x"),
        token("Which", 10, "user"),
        token(" day?\n", 11, "user"),
        token("<|assistant|>", 2, "frame", "x"),
        token("Mon", 12, "assistant", "s"),
        token("day\n", 13, "assistant", "s"),
        token("morning", 14, "assistant", "s", skipped=1_500),
        token("<|end|>", 3, "assistant", "sex"),
        token("Bye", 15, "assistant", "c"),
        token("<|end|>", 3, "assistant", "cex"),
    )
    says = ("truncation cuts off 2 of 1,506 answer tokens", "an answer ends without a loss on its end token")
    return ShownRow("train.jsonl:7", "shows empty answer rows", tokens, 1_510, 1_508, 1_504, 1_506, says)


def small() -> DataReport:
    """Two findings, a row, two steps."""
    return DataReport(
        title="train.jsonl",
        worst="harmful",
        summary="1,200 training rows: empty answer rows do harm to what is trained on them",
        files=(
            FileEntry("train.jsonl", "jsonl", "messages", "train", 480_000, 1_200),
            FileEntry("val/part.jsonl.gz", "jsonl.gz", "", "held-out", 9_000, None),
        ),
        rows=1_200,
        held_out_rows=20,
        lost=3,
        settings=(
            Item("tokenizer", "models/tiny"),
            Item("length limit", "1,508", note="--max-length"),
            Item("tokens in the loss", "answers", note="assumed"),
        ),
        statistics=(
            Item("rows", 1_200, "rows"),
            Item("loss by token frequencies alone", 6.123, "nats/token", note="known to ±0.3"),
        ),
        findings=(
            finding("ANS001", "empty-answer-rows", "harmful", "36 of 1,200 rows (3.0 %) have an empty answer"),
            finding("ENC001", "garbled-characters", "warning", "2 of 1,200 rows (0.2 %) hold `Ã¼` for `ü`"),
        ),
        absent=(AbsentEntry("DUP001", "duplicate-rows", "Rows stand twice", "duplicates"),),
        not_evaluated=(
            NotEvaluatedEntry("TPL001", "refused-rows", "Rows are refused", "templates", "the template (`--template`)"),
        ),
        shown=(row(),),
        steps=(
            (
                3,
                Placement(
                    (Source("train.jsonl", 7), Source("part.parquet", None, "row 12")),
                    "exact if one process",
                    "epoch 1 is the permutation of `torch.randperm` with seed 42",
                    0.005,
                    0.005,
                ),
            ),
            (9, Placement((), "impossible", "this needs the batch size of training (`--batch`)", None, None)),
        ),
        lengths=Histogram((10.0, 510.0, 1_010.0, 2_010.0), (900, 250, 50), 1_508),
        tokenizer="models/tiny",
        warnings=(Warned("interrupted after 1,200 rows: what follows is about those"),),
        is_complete=False,
    )


def finding(code: str, slug: str, severity: str, says: str) -> FindingEntry:
    """A symptom with three places."""
    places = tuple(Observation(f"an example at {line}", "train.jsonl", line) for line in (7, 9))
    return FindingEntry(
        code=code,
        slug=slug,
        title="A symptom",
        group="answers",
        severity=severity,  # type: ignore[arg-type]
        says=says,
        evidence=(Observation(says, "train.jsonl", 7), *places),
        means="The end token is then the whole target.",
        does_not_mean="A few of them do not make a model silent.",
        check="python -c 'print(1)'",
    )


def clean() -> DataReport:
    """Data without a symptom, a tokenizer or a row to show."""
    return DataReport(
        title="data",
        worst=None,
        summary="2 training rows: nothing harmful or doubtful was found",
        files=(FileEntry("a.csv", "csv", "alpaca", "train", 100, 2),),
        rows=2,
        held_out_rows=0,
        lost=0,
        settings=(Item("tokenizer", "bytes", note="a stand-in, none was given"),),
        statistics=(Item("rows", 2, "rows"),),
        findings=(),
        absent=(),
        not_evaluated=(),
        tokenizer="bytes",
        is_stand_in=True,
    )


def hostile() -> DataReport:
    """Names and tokens that try to be commands of a terminal or of a page."""
    tokens = (token(HOSTILE, 5, "user"), token('"><b onmouseover=x>', 6, "assistant", "s"))
    shown = ShownRow(f"{HOSTILE}.jsonl:1", HOSTILE, tokens, 2, 2, 1, 1, (HOSTILE,))
    placement = Placement((Source(HOSTILE, 1),), "exact", HOSTILE, 0.1, 0.1)
    return DataReport(
        title=HOSTILE,
        worst="note",
        summary=HOSTILE,
        files=(FileEntry(HOSTILE, "jsonl", "text", "train", 1, 1),),
        rows=1,
        held_out_rows=0,
        lost=0,
        settings=(Item("chat template", HOSTILE, note=HOSTILE),),
        statistics=(Item("rows", 1, "rows"),),
        findings=(finding("ANS001", "empty-answer-rows", "note", HOSTILE),),
        absent=(),
        not_evaluated=(),
        shown=(shown,),
        steps=((1, placement),),
        lengths=Histogram((1.0, 2.0), (1,), None),
        tokenizer=HOSTILE,
        warnings=(Warned(HOSTILE),),
    )


REPORTS = {"small": small, "clean": clean, "hostile": hostile}

"""`trainclinic prescribe`: diagnose a run, and write the files that fix it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainclinic.cli.diagnose import only_run
from trainclinic.cli.waiting import waiting

if TYPE_CHECKING:
    from trainclinic.diagnosis.diagnose import RunDiagnosis

HELP = """Diagnose a run and write what fixes it into a folder.

PLAN.md says what to change in which order, why, and what should be seen then. recipe.yaml is the corrected recipe;
finetune_fixed.py trains it, needs nothing of trainclinic and runs on CUDA, MPS or a CPU; colab.ipynb does the same on
a rented GPU; validate_model.py says whether the trained model works. When the evidence does not decide what is wrong,
the plan is the cheapest test that would.

\b
trainclinic prescribe runs/my-finetune -o fixed
trainclinic prescribe train.log --script finetune.py --data train.jsonl -o fixed
cd fixed && python finetune_fixed.py --quick-test
"""


@click.command(help=HELP, epilog="Exit codes: 0 written, 2 could not read or write.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where to."
)
@click.option("--run", "wanted", metavar="NAME", help="Which run, when PATH holds several.")
@click.option(
    "--script",
    "scripts",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="The script that made the run; may be given several times. By default those in its folder.",
)
@click.option(
    "--data",
    "data",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="The training data and held-out data; may be given several times. By default what lies in its folder.",
)
@click.option("--tokenizer", default="", metavar="T", help="Folder or `tokenizer.json` of the model.")
@click.option("--force", is_flag=True, help="Write over files of an earlier prescription.")
def command(
    *,
    paths: tuple[str, ...],
    output: Path,
    wanted: str | None,
    scripts: tuple[Path, ...],
    data: tuple[Path, ...],
    tokenizer: str,
    force: bool,
) -> None:
    """Diagnose, prescribe, write, and say in a few lines what was written."""
    with waiting("reading and judging"):
        from trainclinic.diagnosis.diagnose import diagnose

        diagnosis = diagnose(paths, scripts=scripts or None, data=data or None, tokenizer=tokenizer)
    run = (only_run(diagnosis, wanted) if wanted is not None else diagnosis).runs[0]
    if len(diagnosis.runs) > 1 and wanted is None:
        click.echo(
            f"note: {len(diagnosis.runs)} runs were found; this is for `{run.record.name}` (see --run)", err=True
        )
    with waiting("writing the files"):
        from trainclinic.fixes.files.write import files_of

        texts = files_of(run.prescription)
    _refuse_overwriting(texts, output, force=force)
    _write(texts, output)
    click.echo(_told(run, texts, output), nl=False)
    sys.exit(0)


def _refuse_overwriting(texts: dict[str, str], folder: Path, *, force: bool) -> None:
    """Stop before a file that a person may have changed is lost."""
    from trainclinic.record.errors import TrainclinicError

    changed = [
        name
        for name, text in texts.items()
        if (folder / name).is_file() and (folder / name).read_text(encoding="utf-8", errors="replace") != text
    ]
    if changed and not force:
        names = ", ".join(f"`{name}`" for name in changed)
        message = f"`{folder}` holds {names} with other contents"
        raise TrainclinicError(message, hint="name another folder, or add --force to write over them")


def _write(texts: dict[str, str], folder: Path) -> None:
    from trainclinic.record.errors import TrainclinicError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"`{error.filename or folder}` cannot be written: {error.strerror or error}"
        raise TrainclinicError(message, hint="check that you may write there, or name another folder") from error


def _told(run: RunDiagnosis, texts: dict[str, str], folder: Path) -> str:
    from trainclinic.fixes.files.script import NAME
    from trainclinic.fixes.fix import START_AGAIN

    prescription = run.prescription
    lines = [f"{run.verdict.word.upper()}  {run.record.name}"]
    if prescription.state == "treat":
        leading = prescription.leading
        if leading is not None:
            lines.append(f"cause     {leading.title} ({leading.probability:.0%})")
        if prescription.tests_first:
            first = prescription.case.tests[0]
            lines.append(f"settle    {first.title} ({first.minutes:g} min)")
        lines += [f"change {one.priority}  {one.fix.title}" for one in prescription.choice.immediate]
        lines.append(f"start     {START_AGAIN[prescription.restart]}")
    elif prescription.state == "test first":
        lines.append("undecided: nothing is changed; the plan is the cheapest test that would decide")
        lines += [f"test      {test.title} ({test.minutes:g} min)" for test in prescription.case.tests[:1]]
    else:
        lines.append("nothing to fix")
    lines += ["", *(f"written   {folder / name}" for name in texts)]
    if NAME in texts:
        lines += ["", f"next      cd {folder} && python {NAME} --quick-test"]
    return "\n".join(lines) + "\n"

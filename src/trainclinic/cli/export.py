"""`trainclinic export`: merge an adapter, check the result, write a folder that other programs load."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainclinic.cli.stack import needs_the_stack
from trainclinic.cli.waiting import waiting

if TYPE_CHECKING:
    from trainclinic.training.export import Exported

HELP = """Write a trained model as one folder that other programs load.

RUN holds an adapter (adapter_config.json and its weights) or whole weights. An adapter is merged in float32 into the
base it was trained on, never into a quantised one, and the logits of the result are compared with those of the adapter
before anything is written, and again after the written folder was loaded. Besides safetensors the folder holds the
tokenizer with its chat template, the settings of generation with every end token, and a Modelfile for Ollama with the
right template and stop tokens. With llama.cpp on this machine (--gguf, $LLAMA_CPP, PATH or ~/llama.cpp) a GGUF file is
made as well. The hub is never asked: a base is a folder, or lies in the local cache.

\b
trainclinic export runs/first -o exported
trainclinic export runs/first/checkpoint-200 -o exported --base models/tinyllama --dtype float16
ollama create my-model -f exported/Modelfile
"""


@click.command(help=HELP, epilog="Exit codes: 0 written, 2 could not read, merge or write.")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where to."
)
@click.option("--base", default="", metavar="B", help="Base of the adapter; by default the one that it names.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    help="Format of the weights; by default that of the base.",
)
@click.option(
    "--gguf",
    default="auto",
    show_default=True,
    metavar="auto|never|PATH",
    help="Whether to make a GGUF file, or where llama.cpp's `convert_hf_to_gguf.py` is.",
)
@click.option(
    "--quantise",
    type=click.Choice(["none"]),
    default="none",
    show_default=True,
    help="Quantisation of the weights: none yet; llama.cpp and Ollama quantise what is written here.",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
def command(*, run: Path, output: Path, base: str, dtype: str | None, gguf: str, quantise: str, force: bool) -> None:
    """Export, convert where possible, and say what was written and how exact it is."""
    del quantise
    needs_the_stack("exporting")
    from trainclinic.training.gguf import find_converter

    converter = find_converter(gguf)
    with waiting("merging, writing and comparing"):
        from trainclinic.training.export import add_gguf, export_model

        exported = export_model(run, output, base=base, dtype=dtype, force=force)
    click.echo(_told(exported), nl=False)
    if converter is not None:
        with waiting("converting to GGUF"):
            exported = add_gguf(exported, converter)
        click.echo(f"written   {exported.gguf}")
    click.echo(_next_steps(exported, asked=gguf != "never"), nl=False)
    sys.exit(0)


def _told(exported: Exported) -> str:
    source = exported.source
    made = f"{source.adapter} merged into {source.weights}" if source.adapter else source.weights
    lines = [
        f"model     {made}",
        f"weights   {exported.parameters:,} in {exported.dtype}",
        f"checked   logits as trained within {exported.difference:.1e} of the largest",
    ]
    if exported.effect:
        lines.append(f"adapter   changes logits by {exported.effect:.1e} of the largest")
    lines.append(f"template  {_TEMPLATES.get(exported.spoken.family, exported.spoken.family)}")
    lines.append(f"ends with {', '.join(exported.stops) or 'no token that is known: generation will not stop'}")
    lines += [f"note      {note}" for note in exported.notes]
    lines += ["", f"written   {exported.folder}"]
    return "\n".join(lines) + "\n"


_TEMPLATES = {
    "none": "none; the Modelfile passes the prompt on as it stands",
    "unknown": "not recognised; the Modelfile shows what TEMPLATE has to give",
}


def _next_steps(exported: Exported, *, asked: bool) -> str:
    from trainclinic.training.gguf import commands

    convert, create = commands(exported.folder, exported.dtype)
    if exported.gguf is not None or not asked:
        return f"\nnext      {create}\n"
    return f"\nfor GGUF  {convert}\nOllama    {create}\n"

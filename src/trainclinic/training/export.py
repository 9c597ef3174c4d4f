"""A trained model as one folder that other programs load: an adapter merged, checked, and written at once.

The merge happens in float32, and its logits are compared with those of the adapter before anything is written, and
again after the written folder was loaded. A folder appears whole or not at all. It does not know GGUF, and it does not
judge what the model says.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainclinic.record.errors import TrainclinicError
from trainclinic.training.export_source import ExportSource, find_source
from trainclinic.training.gguf import convert
from trainclinic.training.logits import difference, logits_of, refuse_non_finite
from trainclinic.training.merging import Whole, load_weights, whole_model
from trainclinic.training.modelfile import NAME, Spoken, closing_ids, end_tokens, modelfile_of, spoken_of

TOLERANCES = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest change of a logit that passes, as a share of the largest logit: sums in another order move float32 by about
1e-6, and rounded weights move it by a few times their unit (2**-11 and 2**-8 of a weight)."""
_LOST_SHARE = 0.5
"""From here on the rounding of the weights drowns what the adapter learned."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        folder: The model.
        source: What it was made of.
        dtype: Number format of the weights.
        parameters: Number of weights.
        difference: Largest change of a logit between the model as trained and as written, as a share of the largest.
        effect: Largest change of a logit by the adapter, likewise; `None` for whole weights.
        spoken: How its tokenizer writes a conversation.
        stops: Texts that end a response.
        notes: What the user should know, one sentence each.
        gguf: The GGUF file, when one was made.
    """

    folder: Path
    source: ExportSource
    dtype: str
    parameters: int
    difference: float
    effect: float | None
    spoken: Spoken
    stops: tuple[str, ...]
    notes: tuple[str, ...] = ()
    gguf: Path | None = None


def _silent(_: str) -> None:
    """Say nothing."""


def export_model(
    run: Path,
    output: Path,
    *,
    base: str = "",
    dtype: str | None = None,
    force: bool = False,
    say: Callable[[str], None] = _silent,
) -> Exported:
    """Write a model as one folder of safetensors with tokenizer, template, end tokens and a `Modelfile`.

    Args:
        run: Folder of an adapter or of whole weights.
        output: The folder to write.
        base: Base of the adapter, when its configuration does not lead to it.
        dtype: `float32`, `float16` or `bfloat16`; `None` keeps the format that the base is stored in.
        force: Replace an earlier export.
        say: Is told what is going on, a few words each time.

    Returns:
        What was written, and how exact it is.

    Raises:
        TrainclinicError: If the parts are not there or do not fit, weights are not finite, the merge changes the
            logits, or the folder cannot be written.
    """
    source = find_source(run, base)
    _refuse_output(run, output, force=force)
    with _quiet():
        say("loading, merging and comparing" if source.adapter else "loading")
        tokenizer = _tokenizer(source)
        whole = whole_model(source, tokenizer)
        model, whole = whole.model, replace(whole, model=None)
        wanted = dtype or whole.stored
        _to_format(model, wanted)
        parameters = int(model.num_parameters())
        ends = _end_ids(model, tokenizer)
        spoken = spoken_of(tokenizer)
        stops = tuple(end_tokens(tokenizer, ends))
        with _at_once(output) as part:
            say("writing")
            _write(model, tokenizer, ends, part)
            del model  # the one that is read back needs its place
            (part / NAME).write_text(modelfile_of(spoken, stops), encoding="utf-8")
            say("comparing what was written")
            apart = _compare_written(part, tokenizer, whole, wanted)
    notes = _notes(wanted, whole.effect, apart)
    return Exported(output, source, wanted, parameters, apart, whole.effect, spoken, stops, notes)


def add_gguf(exported: Exported, converter: Path) -> Exported:
    """Make a GGUF file beside the safetensors, and let the `Modelfile` begin from it.

    Args:
        exported: What was written.
        converter: llama.cpp's program.

    Raises:
        TrainclinicError: If the conversion fails; folder and `Modelfile` stay as they are then.
    """
    file = convert(converter, exported.folder, exported.dtype)
    part = exported.folder / f"{NAME}.part"
    part.write_text(modelfile_of(exported.spoken, exported.stops, f"./{file.name}"), encoding="utf-8")
    part.replace(exported.folder / NAME)
    return replace(exported, gguf=file)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars of the library; they are as they were afterwards."""
    from transformers.utils import logging

    hf: Any = logging  # its functions carry no types
    shown = hf.is_progress_bar_enabled()
    hf.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            hf.enable_progress_bar()


def _refuse_output(run: Path, output: Path, *, force: bool) -> None:
    """Stop before anything of the user's is lost; only an earlier export is ever replaced."""
    ours, theirs = output.resolve(), run.resolve()
    if ours == theirs or ours in theirs.parents:
        message = f"`{output}` holds what is to be exported (`{run}`), expected another folder"
        raise TrainclinicError(message, hint="name a new folder with `-o`")
    if output.is_file() or (output.is_dir() and any(output.iterdir())):
        is_export = output.is_dir() and (output / NAME).is_file() and (output / "config.json").is_file()
        if not is_export:
            message = f"`{output}` exists and is no earlier export"
            raise TrainclinicError(message, hint="name a new folder with `-o`")
        if not force:
            message = f"`{output}` holds an earlier export"
            raise TrainclinicError(message, hint="name another folder, or add `--force` to replace it")


@contextmanager
def _at_once(output: Path) -> Iterator[Path]:
    """A folder beside the output that takes its place when all went well, and is removed when not."""
    part = output.parent / f".{output.name}.part-{os.getpid()}"
    old = output.parent / f".{output.name}.old-{os.getpid()}"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        if output.exists():
            output.replace(old)
        part.replace(output)
    except OSError as error:
        if old.exists() and not output.exists():
            old.replace(output)
        message = f"`{error.filename or output}` cannot be written: {error.strerror or error}"
        raise TrainclinicError(message, hint="check the space on the disk, and that you may write there") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if output.exists():
            shutil.rmtree(old, ignore_errors=True)


def _tokenizer(source: ExportSource) -> Any:
    from transformers import AutoTokenizer

    hf: Any = AutoTokenizer
    try:
        return hf.from_pretrained(source.tokenizer, local_files_only=True)
    except (OSError, ValueError) as error:
        message = f"the tokenizer of `{source.tokenizer}` cannot be read: {str(error).splitlines()[0]}"
        raise TrainclinicError(message, hint="copy the files of the tokenizer into the folder") from error


def _to_format(model: Any, dtype: str) -> None:
    """Round the weights; those that the format cannot hold are refused."""
    import torch

    model.to(getattr(torch, dtype))
    model.config.dtype = getattr(torch, dtype)
    model.config.use_cache = True  # training switches it off
    refuse_non_finite(model, f"the model in {dtype}")


def _end_ids(model: Any, tokenizer: Any) -> list[int]:
    """Every id that ends a response: of the generation settings, the configuration, the tokenizer and its template."""
    settings = (getattr(model, "generation_config", None), model.config.get_text_config(), tokenizer)
    said = [getattr(one, "eos_token_id", None) for one in settings]
    flat = [one for ids in said for one in (ids if isinstance(ids, (list, tuple)) else [ids]) if one is not None]
    return list(dict.fromkeys([*map(int, flat), *closing_ids(tokenizer)]))


def _write(model: Any, tokenizer: Any, ends: Sequence[int], folder: Path) -> None:
    """Weights, configuration, tokenizer with its template, and the settings of generation with every end id."""
    from transformers import GenerationConfig

    plain: Any = GenerationConfig
    settings = model.generation_config.to_diff_dict() if model.generation_config is not None else {}
    for name in ("use_cache", "_from_model_config"):  # of training, and of the library itself
        settings.pop(name, None)
    if ends:
        settings["eos_token_id"] = ends[0] if len(ends) == 1 else list(ends)
    for name in ("bos_token_id", "pad_token_id"):
        if settings.get(name) is None and getattr(tokenizer, name, None) is not None:
            settings[name] = getattr(tokenizer, name)
    # The library refuses to save settings that contradict each other, as published models have them: written by hand.
    model.generation_config = plain()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _compare_written(folder: Path, tokenizer: Any, whole: Whole, dtype: str) -> float:
    """Load what was written, and hold it to the model as trained.

    Returns:
        The largest change of a logit, as a share of the largest.
    """
    from transformers import AutoTokenizer

    hf: Any = AutoTokenizer
    again = hf.from_pretrained(folder, local_files_only=True)
    same = again.get_vocab() == tokenizer.get_vocab() and again.eos_token == tokenizer.eos_token
    if not same or getattr(again, "chat_template", None) != getattr(tokenizer, "chat_template", None):
        message = (
            f"the tokenizer of `{folder.name}` reads otherwise after it was written, expected the same ids and template"
        )
        raise TrainclinicError(message, hint="nothing was written; please report the tokenizer")
    apart = difference(whole.reference, logits_of(load_weights(str(folder)), whole.prompts, "the written model"))
    most = TOLERANCES[dtype]
    if apart > most:
        message = f"writing as {dtype} changes the logits by {apart:.1e} of the largest, expected at most {most:.0e}"
        raise TrainclinicError(message, hint="nothing was written; try --dtype float32")
    return apart


def _notes(dtype: str, effect: float | None, apart: float) -> tuple[str, ...]:
    """What the numbers say about the adapter."""
    if effect is None:
        return ()
    if effect == 0:
        return ("the adapter changes nothing: its logits are those of the base",)
    if apart > _LOST_SHARE * effect:
        return (f"rounding to {dtype} changes the logits by {apart / effect:.0%} of what the adapter changes",)
    return ()

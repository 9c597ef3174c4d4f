"""Measure a finished model: its files, its losses, its answers; one model in memory at a time.

The order is that of memory: files first, then the base of an adapter before the adapter is put on it, then the model,
then the base of whole weights. What breaks off says why in `Tested.missing`, and the rest is measured all the same.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.record.errors import TrainclinicError
from trainclinic.training.logits import difference, probe_prompts
from trainclinic.training.tokenizers import tokenizers_of
from trainclinic.validation.answering import Writer
from trainclinic.validation.loading import Loaded, Place, first_line, load_whole, place_for, put_on, source_of
from trainclinic.validation.scores import scores_of
from trainclinic.validation.scoring import change_by_padding, losses_of, text_losses, unigram_entropy
from trainclinic.validation.tensor_files import FilesSeen, look_through
from trainclinic.validation.tested import Answer, Depth, Losses, Tested, TokensSeen, WeightsSeen
from trainclinic.validation.texts import (
    Material,
    Row,
    asked_by,
    encoded_passages,
    general_passages,
    general_questions,
    rows_by,
    ways_of_writing,
)

if TYPE_CHECKING:
    from torch import Tensor

    from trainclinic.training.export_source import ExportSource
    from trainclinic.training.formatting import Formatting
    from trainclinic.training.rows import Asked

Tell = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done now, and how much there is."""
PADDED = 2
"""Rows that are read with padding before them as well."""
USUAL_WAYS = ("own", "chatml", "llama-3", "alpaca", "plain")
"""Ways of writing that are tried where time is short."""
FINITE = "weights that are finite"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks for.

    Attributes:
        folder: Folder of the model or of the adapter.
        base: Base to compare with; for an adapter it is found by itself.
        template: Chat template in place of the tokenizer's: Jinja source, or the name of a public format.
        device: `auto`, `cpu`, `mps` or `cuda`.
        dtype: Number format of the weights; `None` for what suits.
        depth: How much to look at.
        pickles: Whether pickled weights are read, as tensors alone.
    """

    folder: Path
    base: str
    template: str
    device: str
    dtype: str | None
    depth: Depth
    pickles: bool = False


def silent(_what: str, _done: int, _all: int) -> None:
    """Say nothing."""


def measure(wanted: Wanted, material: Material, tell: Tell = silent) -> Tested:
    """Measure a model in a folder.

    Args:
        wanted: What the user asks for.
        material: What to test it on.
        tell: Told of the progress.

    Raises:
        TrainclinicError: If it is no model, parts are missing or damaged, or it does not fit into memory.
    """
    source = source_of(wanted.folder, wanted.base, pickles=wanted.pickles)
    is_adapter = source.adapter is not None
    base = source.weights if is_adapter else wanted.base
    place = place_for(source.weights, wanted.device, wanted.dtype)
    seen = _files(source, base, tell)
    tested = Tested(
        str(wanted.folder), "adapter" if is_adapter else "model", wanted.depth, place.device, place.dtype, base,
        material.name, weights=_weights(seen), notes=tuple(filter(None, (*material.notes, place.note))),
    )  # fmt: skip
    if seen.non_finite:
        names = ("own", "general", "answers", "padding", "of_base", "other_templates", "scores", "training")
        return replace(tested, missing=dict.fromkeys(names, FINITE))
    return _Measuring(tested, source, place, material, wanted.template, tell).all()


def _files(source: ExportSource, base: str, tell: Tell) -> FilesSeen:
    def told(done: int, of: int) -> None:
        tell("reading weights", done, of)

    if source.adapter is None:
        compared = Path(base) if base and Path(base).is_dir() else None
        return look_through(Path(source.weights), compared, told=told)
    seen = look_through(source.adapter, told=told)
    if Path(source.weights).is_dir():
        seen.non_finite += look_through(Path(source.weights), told=told).non_finite
    return seen


def _weights(seen: FilesSeen) -> WeightsSeen:
    return WeightsSeen(
        seen.tensors, seen.values, tuple(seen.non_finite), compared=seen.compared, changed=seen.changed,
        change=seen.change,
    )  # fmt: skip


class _Measuring:
    """One model under test, from loading to the last answer."""

    def __init__(
        self, tested: Tested, source: ExportSource, place: Place, material: Material, template: str, tell: Tell
    ) -> None:
        self.found: dict[str, Any] = {}
        self.missing: dict[str, str] = {}
        self.notes = list(tested.notes)
        self.tested, self.source, self.place, self.material, self.tell = tested, source, place, material, tell
        self.depth = tested.depth
        self.saved, self.tokenizer = tokenizers_of(source.tokenizer)
        own, ways = ways_of_writing(self.tokenizer, template)
        self.ways = {name: way for name, way in ways.items() if name in USUAL_WAYS or not self.depth.is_brief}
        self.own = own or "plain"
        self.has_own = bool(own)
        self.passages = encoded_passages(self.saved, general_passages()[: self.depth.passages], self.depth.length)

    def all(self) -> Tested:
        """Measure everything."""
        self.tell("loading the model", 0, 1)
        loaded = load_whole(self.source.weights, self.place)
        plain: list[Tensor] = []
        rows = int(loaded.model.get_input_embeddings().weight.shape[0])
        if self.source.adapter is not None:
            self._choose_way(loaded.model, rows)
            if self.tokenizer.vocabulary_size <= rows:
                self._of_base(loaded.model)
            plain = self._logits(loaded.model, rows)
            loaded = put_on(loaded, self.source)
            rows = int(loaded.model.get_input_embeddings().weight.shape[0])
        else:
            self._choose_way(loaded.model, rows)
        self._tokens(rows)
        self._of_model(loaded, plain, rows)
        del loaded
        gc.collect()
        if self.source.adapter is None and self.tested.base:
            self._of_other_base()
        self._scores()
        return replace(self.tested, missing=self.missing, notes=tuple(self.notes), **self.found)

    def _choose_way(self, model: Any, rows: int) -> None:
        """Without a template of its own, a model is read in the way that it reads best."""
        samples = [sample for sample in self.material.held_out if sample.messages][: self.depth.compared]
        if self.has_own or not samples or self.tokenizer.vocabulary_size > rows:
            return
        losses = {name: self._losses(model, self.rows_of(way, samples)) for name, way in self.ways.items()}
        sums = {name: float(one.sums.sum()) for name, one in losses.items() if one.finite}
        self.own = min(sums, key=lambda name: sums[name]) if sums else self.own
        self.notes.append(
            f"it brings no chat template; rows and questions are written as `{self.own}`, which fits best"
        )

    def rows_of(self, way: Formatting, samples: Sequence[Any]) -> list[Row]:
        """Rows as a template writes them."""
        return rows_by(way, samples, self.tokenizer, self.depth)

    @property
    def way(self) -> Formatting:
        """How this model is asked."""
        return self.ways[self.own]

    def _losses(self, model: Any, rows: Sequence[Row], what: str = "") -> Losses:
        told = (lambda done, of: self.tell(what, done, of)) if what else None
        return losses_of(model, rows, self.way.ends, told=told)

    def _tokens(self, rows: int) -> None:
        specials = self.tokenizer.specials
        shown = tuple(sorted(text for text, number in specials.ids.items() if number in self.way.ends))
        size = self.tokenizer.vocabulary_size
        seen = TokensSeen(size, rows, self.has_own, shown)
        self.found["tokens"] = self._compared(seen) if self.tested.base else seen
        if size > rows:
            needed = f"a tokenizer whose {size:,} ids the model has rows for"
            self.missing |= dict.fromkeys(("own", "general", "answers", "padding", "other_templates"), needed)

    def _of_model(self, loaded: Loaded, plain: list[Tensor], rows: int) -> None:
        seen = self.tested.weights or WeightsSeen(0, 0)
        self.found["weights"] = replace(seen, at_random=loaded.at_random, unused=loaded.unused)
        if "own" in self.missing:
            return
        model = loaded.model
        self._held_out(model)
        self.found["general"] = self._general(model, "general text")
        if self.material.training:
            used = self.rows_of(self.way, self.material.training)
            self.found["training"] = self._losses(model, used, "rows that were trained on")
        self._answers(model)
        self._try("padding", lambda: self._padding(model))
        if plain:
            self._try("merging", lambda: self._merging(model, plain, rows))

    def _held_out(self, model: Any) -> None:
        samples = self.material.held_out
        if not samples:
            self.missing |= dict.fromkeys(("own", "of_base", "other_templates", "scores"), "held-out rows (`--data`)")
            return
        mine = self.rows_of(self.way, samples)
        self.found["own"] = self._losses(model, mine, "held-out rows")
        used = self.rows_of(self.way, self.material.training)
        self.found["unigram"] = unigram_entropy([*mine, *used], self.way.ends)
        talks = [sample for sample in samples if sample.messages][: self.depth.compared]
        if not talks or not self.has_own:
            self.missing["other_templates"] = "held-out conversations and a chat template beside the model"
            return
        others = {}
        for name in ("own", *(name for name in self.ways if name != "own")):
            others[name] = self._losses(model, self.rows_of(self.ways[name], talks), f"written as {name}")
        self.found["other_templates"] = others

    def _general(self, model: Any, what: str) -> Losses:
        self.tell(what, 0, len(self.passages))
        return text_losses(model, self.passages)

    def _asked(self) -> list[tuple[str, Asked]]:
        chosen = self.material.prompts or self.material.held_out or tuple(general_questions())
        return asked_by(self.way, chosen, self.tokenizer, self.depth)

    def _writer(self, model: Any) -> Writer:
        depth = self.depth
        return Writer(model, self.saved, self.way.ends, new_tokens=depth.new_tokens, seed=depth.seed)

    def _answers(self, model: Any) -> None:
        asked, writer = self._asked(), self._writer(model)
        prompts = [one.ids for _, one in asked]
        try:
            greedy = writer.write(prompts, told=lambda done, of: self.tell("answers", done, of))
            by_chance = [] if self.depth.is_brief else prompts
            drawn = writer.write(by_chance, drawn=True, told=lambda done, of: self.tell("answers by chance", done, of))
            alone = writer.write(prompts[: self.depth.alone], at_once=1) if len(prompts) > 1 else []
        except Exception as error:
            self.missing["answers"] = f"a model that can generate; it broke off with `{first_line(error)}`"
            return
        base = self.found.get("base_answers", [])
        self.found["answers"] = tuple(
            Answer(
                one.prompt, question, greedy[at].shown, greedy[at].new_tokens, greedy[at].stopped, one.reference,
                drawn[at].shown if drawn else None, base[at].text if at < len(base) else None,
                alone[at].shown if at < len(alone) else None,
            )
            for at, (question, one) in enumerate(asked)
        )  # fmt: skip
        self.found.pop("base_answers", None)

    def _padding(self, model: Any) -> float:
        rows = self.rows_of(self.way, self.material.held_out[:PADDED]) if self.material.held_out else []
        rows = [row for row in rows if len(row.ids)] or [Row(_ids(one), _ids(one)) for one in self.passages[:PADDED]]
        return change_by_padding(model, rows, self._writer(model).pad)

    def _logits(self, model: Any, rows: int) -> list[Tensor]:
        import torch

        size = min(self.tokenizer.vocabulary_size, rows)
        prompts = probe_prompts(size, self.depth.length)
        with torch.no_grad():
            return [model(input_ids=one.to(model.device)).logits[..., :size].float().cpu() for one in prompts]

    def _merging(self, model: Any, plain: list[Tensor], rows: int) -> float | None:
        """What the adapter changes, and what merging it changes: float32 only, where merging is exact."""
        adapted = self._logits(model, rows)
        self.found["weights"] = replace(self.found["weights"], effect=difference(plain, adapted))
        if self.place.dtype != "float32" or getattr(model, "is_quantized", False):
            self.missing["merging"] = "weights in float32"
            return None
        merged = self._logits(model.merge_and_unload(), rows)
        self.found["weights"] = replace(self.found["weights"], merging=difference(adapted, merged))
        return None

    def _of_base(self, model: Any) -> None:
        if self.material.held_out:
            rows = self.rows_of(self.way, self.material.held_out)
            self.found["of_base"] = self._losses(model, rows, "held-out rows under the base")
        self.found["general_base"] = self._general(model, "general text under the base")
        try:
            prompts = [one.ids for _, one in self._asked()]
            written = self._writer(model).write(
                prompts, told=lambda done, of: self.tell("answers of the base", done, of)
            )
        except Exception as error:
            self.notes.append(f"the base does not answer: {first_line(error)}")
            return
        answers = self.found.get("answers")
        if answers is None:  # of an adapter: the model answers later
            self.found["base_answers"] = written
        else:
            self.found["answers"] = tuple(
                replace(one, base=other.text) for one, other in zip(answers, written, strict=True)
            )

    def _of_other_base(self) -> None:
        """The base of whole weights, read with the tokenizer of the model."""
        place = place_for(self.tested.base, self.place.device, self.place.dtype)
        base = load_whole(self.tested.base, place).model
        rows = int(base.get_input_embeddings().weight.shape[0])
        if self.tokenizer.vocabulary_size > rows:
            self.missing |= dict.fromkeys(("of_base", "general_base"), "a base with the same vocabulary")
            return
        self._of_base(base)

    def _compared(self, seen: TokensSeen) -> TokensSeen:
        """The tokenizer beside that of the base, where it has one."""
        try:
            saved, _ = tokenizers_of(self.tested.base)
        except TrainclinicError:
            return seen
        mine = {number: text for text, number in self.saved.get_vocab().items()}
        theirs = {number: text for text, number in saved.get_vocab().items()}
        shared = sorted(mine.keys() & theirs.keys())
        renamed = tuple((at, mine[at], theirs[at]) for at in shared if mine[at] != theirs[at])
        return replace(seen, shared=len(shared), renamed=renamed)

    def _scores(self) -> None:
        answers = self.found.get("answers", ())
        if any(one.reference for one in answers):
            self.found["scores"], needed = scores_of(answers)
            if needed:
                self.missing["scores"] = needed

    def _try(self, name: str, measured: Callable[[], float | None]) -> None:
        """Measure something that may not work for every model; the rest goes on without it."""
        try:
            value = measured()
        except Exception as error:
            self.missing[name] = f"a model that can be asked for it; it broke off with `{first_line(error)}`"
            return
        if value is not None and math.isfinite(value):
            self.found[name] = value


def _ids(ids: Sequence[int]) -> Any:
    import numpy as np

    return np.array(ids, dtype=np.int64)

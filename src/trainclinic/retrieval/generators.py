"""Models that write answers: a folder of weights run here with transformers, or a served model.

It knows how a conversation becomes text of a model and back; it does not know where passages come from. Files are read
from safetensors alone, no code of a model folder is run, and the hub is never asked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.endpoint import Endpoint, one_line

ENDPOINT_CHARACTERS = 24_000
"""Characters of a prompt for a served model, some 6,000 tokens: what a server can take is not known here."""
ANSWER_SECONDS = 300.0
"""Longest time for one answer of a model that runs here."""
ANSWER_ROOM = 64
"""Tokens of its context that a model has at least left for an answer."""
_UNKNOWN_LENGTH = 10**6


class ServedModel:
    """A model behind an address.

    Args:
        endpoint: The server.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def name(self) -> str:
        """Name of the model as the server knows it."""
        return self._endpoint.chosen()

    def ready(self) -> None:
        """Make sure that the server is there and a model is chosen.

        Raises:
            TrainclinicError: If the server does not answer, or does not have the model.
        """
        names, chosen = self._endpoint.models(), self._endpoint.chosen()
        if chosen not in names and f"{chosen}:latest" not in names:
            message = f"`{self._endpoint.url}` has no model `{chosen}`"
            raise TrainclinicError(message, hint=f"it has {', '.join(f'`{name}`' for name in names[:8]) or 'none'}")

    def fits(self, turns: Sequence[dict[str, str]]) -> bool:
        """Whether a conversation is short enough for any usual server.

        Args:
            turns: The conversation.
        """
        return sum(len(turn["content"]) for turn in turns) <= ENDPOINT_CHARACTERS

    def write(self, turns: Sequence[dict[str, str]], longest: int) -> Iterator[str]:
        """Pieces of the answer, greedy.

        Args:
            turns: The conversation, the question last.
            longest: Most tokens of the answer.

        Yields:
            Pieces of text.

        Raises:
            TrainclinicError: If the server does not answer.
        """
        yield from self._endpoint.stream(turns, max_tokens=longest)


class LocalModel:
    """A model folder, loaded when it is first needed.

    Args:
        folder: Folder with weights, configuration and tokenizer; or an adapter whose base is on this machine.

    Raises:
        TrainclinicError: If it is no folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            message = f"`{folder}` is no folder of a model"
            raise TrainclinicError(message, hint="a served model is named with `--endpoint URL`")
        self.name = folder.resolve().name
        self._folder = folder
        self._tokenizer: Any = None
        self._model: Any = None
        self._context = 0

    def ready(self) -> None:
        """Load it, unless it is loaded.

        Raises:
            TrainclinicError: If it cannot be loaded.
        """
        if self._model is None:
            self._tokenizer, self._model = _loaded(self._folder)
            self._context = _context_of(self._model, self._tokenizer)

    def fits(self, turns: Sequence[dict[str, str]]) -> bool:
        """Whether a conversation leaves room for an answer in the context of the model.

        Args:
            turns: The conversation.
        """
        self.ready()
        return len(self._ids(turns)) + ANSWER_ROOM <= self._context

    def write(self, turns: Sequence[dict[str, str]], longest: int) -> Iterator[str]:
        """Pieces of the answer, greedy; it stops when nobody listens any more.

        Args:
            turns: The conversation, the question last.
            longest: Most tokens of the answer.

        Yields:
            Pieces of text.

        Raises:
            TrainclinicError: If the model fails while it writes.
        """
        import torch
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        self.ready()
        ids = self._ids(turns)
        prompt = torch.tensor([ids], device=self._model.device)  # [1, tokens]
        streamer: Any = TextIteratorStreamer(
            self._tokenizer, skip_prompt=True, timeout=ANSWER_SECONDS, skip_special_tokens=True
        )
        enough, failures = threading.Event(), list[Exception]()
        settings = {
            "input_ids": prompt,
            "attention_mask": torch.ones_like(prompt),
            "max_new_tokens": min(longest, self._context - len(ids)),
            "do_sample": False,
            "max_time": ANSWER_SECONDS,
            "streamer": streamer,
            "stopping_criteria": StoppingCriteriaList([_Stopped(enough)]),
        }
        thread = threading.Thread(target=self._generate, args=(settings, failures), daemon=True)
        thread.start()
        try:
            yield from (piece for piece in streamer if piece)
        finally:
            enough.set()
            thread.join()
        if failures:
            message = f"the model `{self.name}` failed while it wrote: {one_line(str(failures[0]))}"
            raise TrainclinicError(message, hint="`trainclinic validate` examines a model folder") from failures[0]

    def _generate(self, settings: dict[str, Any], failures: list[Exception]) -> None:
        """In its own thread: generation, whose failure is handed to the reader of the stream."""
        try:
            self._model.generate(**settings)
        except Exception as error:  # models raise many kinds: out of memory, a wrong shape, a device that is gone
            failures.append(error)
            settings["streamer"].end()

    def _ids(self, turns: Sequence[dict[str, str]]) -> list[int]:
        """Token ids of a conversation, ready for an answer: by the chat template, or as plain lines without one."""
        safe = [{"role": turn["role"], "content": self._without_specials(turn["content"])} for turn in turns]
        if not self._tokenizer.chat_template:
            lines = [turn["content"] for turn in safe]
            return list(self._tokenizer("\n\n".join([*lines, "Answer:"]))["input_ids"])
        try:
            text = self._templated(safe)
        except Exception:  # a template raises what it likes, some for a system turn
            text = self._templated(_system_inside(safe))
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _templated(self, turns: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _without_specials(self, text: str) -> str:
        """A text whose special tokens of this model stay text: a zero-width space parts them."""
        for token in (token for token in self._tokenizer.all_special_tokens if len(token) > 1):
            text = text.replace(token, f"{token[0]}\u200b{token[1:]}")
        return text


class _Stopped:
    """Tells a generation to end; called by `generate` after each token."""

    def __init__(self, enough: threading.Event) -> None:
        self._enough = enough

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """For each row of `input_ids` `[rows, tokens]` whether it is done; `scores` are not looked at."""
        import torch

        del scores
        return torch.full((input_ids.shape[0],), self._enough.is_set(), dtype=torch.bool, device=input_ids.device)


def _loaded(folder: Path) -> tuple[Any, Any]:
    import torch
    import transformers

    hf: Any = transformers
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    device = next(name for name, is_there in there.items() if is_there)
    plain = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = hf.AutoTokenizer.from_pretrained(folder, **plain)
        dtype = "auto" if device != "cpu" else torch.float32
        model = hf.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, **plain)
    except Exception as error:  # each library raises its own for a damaged or foreign folder
        message = f"the model `{folder}` cannot be loaded: {one_line(str(error) or type(error).__name__)}"
        hint = "it needs a tokenizer and weights as safetensors, an adapter also its base on this machine"
        raise TrainclinicError(message, hint=hint) from error
    model = model.to(device).eval()
    plain_settings = model.generation_config
    model.generation_config = hf.GenerationConfig(
        eos_token_id=plain_settings.eos_token_id,
        bos_token_id=plain_settings.bos_token_id,
        pad_token_id=plain_settings.pad_token_id if plain_settings.pad_token_id is not None else tokenizer.eos_token_id,
    )
    return tokenizer, model


def _context_of(model: Any, tokenizer: Any) -> int:
    """Tokens that prompt and answer may have together."""
    stated = [getattr(model.config, name, None) for name in ("max_position_embeddings", "n_positions")]
    lengths = [length for length in (*stated, tokenizer.model_max_length) if isinstance(length, int) and length > 0]
    return min([*lengths, _UNKNOWN_LENGTH])


def _system_inside(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same conversation with the instructions at the head of its first question."""
    first, second, *rest = turns
    return [{"role": "user", "content": f"{first['content']}\n\n{second['content']}"}, *rest]

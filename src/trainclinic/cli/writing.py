"""Which model writes answers, from the options that `ask` and `serve` share; and how long it is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.cli.stack import needs_the_stack
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.retrieval.answering import Answering

MODEL_HELP = "Folder of a model that writes the answer; with --endpoint the name of the served model."
ENDPOINT_HELP = "OpenAI-compatible server (Ollama, llama.cpp, vLLM), e.g. http://localhost:11434/v1."


def answering_from(folder: Path, model: str, endpoint: str, count: int, timeout: float) -> Answering:
    """An index with what answers from it; nothing heavy is loaded yet.

    Args:
        folder: Folder of the index.
        model: Folder of a model, or with an endpoint the name of a model; empty for none.
        endpoint: Address of a server; empty for none.
        count: Number of sources.
        timeout: Longest silence of a server, in seconds.

    Raises:
        TrainclinicError: If the index, the model folder or the address is none.
    """
    from trainclinic.retrieval.answering import Answering
    from trainclinic.retrieval.index import Index

    answering = Answering(Index.open(folder), count=count)
    if endpoint:
        from trainclinic.retrieval.endpoint import Endpoint, key_from_environment
        from trainclinic.retrieval.generators import ServedModel

        answering.writer = ServedModel(Endpoint(endpoint, model, timeout, key_from_environment()))
    elif model:
        if not Path(model).is_dir():
            message = f"`{model}` is no folder of a model"
            raise TrainclinicError(message, hint="a served model is named with `--endpoint URL --model NAME`")
        needs_the_stack("answering with a model folder")
        from trainclinic.retrieval.generators import LocalModel

        answering.writer = LocalModel(Path(model))
    return answering

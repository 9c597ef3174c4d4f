"""A tokenizer twice: as transformers loads and saves it, and as rows are written with it; both from the same files.

It does not know rows or models.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainclinic.encoding.tokens.load import load_tokenizer
from trainclinic.encoding.tokens.tokenizer import Tokenizer
from trainclinic.record.errors import TrainclinicError


def tokenizers_of(name: str, new_tokens: Sequence[str] = ()) -> tuple[Any, Tokenizer]:
    """Load a tokenizer.

    Args:
        name: A folder, or a name that transformers knows.
        new_tokens: Tokens to add to it.

    Returns:
        That of transformers, and that of the house.

    Raises:
        TrainclinicError: If it cannot be loaded.
    """
    from transformers import AutoTokenizer

    where = str(Path(name).expanduser()) if Path(name).expanduser().exists() else name
    try:
        saved = AutoTokenizer.from_pretrained(where)
    except (OSError, ValueError, ImportError) as error:
        message = f"the tokenizer of `{name}` cannot be loaded: {str(error).splitlines()[0]}"
        raise TrainclinicError(message, hint="name its folder in `model.tokenizer`") from error
    if new_tokens:
        saved.add_tokens(list(new_tokens), special_tokens=True)
    with tempfile.TemporaryDirectory() as folder:
        saved.save_pretrained(folder)
        stated = Path(where) / "generation_config.json"
        if stated.is_file():
            shutil.copy(stated, folder)
        tokenizer: Any = load_tokenizer(folder)
    tokenizer.name = name
    return saved, tokenizer

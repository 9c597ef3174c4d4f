"""From the file with the vocabulary to a `tokenizers.Tokenizer`.

It knows `tokenizer.json` and the older pair of `vocab.json` and `merges.txt`. It does not know where files are found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainclinic.encoding.tokens.byte_alphabet import byte_to_character
from trainclinic.encoding.tokens.files import TokenizerFiles, read_json, read_text
from trainclinic.record.errors import ReadError

_QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_FRAMED = frozenset({"RobertaTokenizer", "BartTokenizer", "LongformerTokenizer"})
CONVERSION = 'convert it once with `AutoTokenizer.from_pretrained("{folder}").save_pretrained("{folder}")`'
"""What turns a tokenizer of another library into a `tokenizer.json`."""


def backend_of(files: TokenizerFiles) -> Any:
    """The `tokenizers.Tokenizer` of a folder, with the special tokens of its settings added where they are missing.

    Raises:
        ReadError: If `tokenizers` is not installed, or the files are damaged or of another kind.
    """
    try:
        import tokenizers  # noqa: F401
    except ImportError as error:
        message = f"reading the tokenizer `{files.vocabulary}` needs `tokenizers`"
        raise ReadError(message, hint="install it with `pip install 'trainclinic[data]'`") from error
    built = _from_pair(files) if files.vocabulary.name == "vocab.json" else _from_json(files.vocabulary)
    _add_missing(built, files)
    return built


def _from_json(path: Path) -> Any:
    from tokenizers import Tokenizer

    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("model"), dict):
        message = f"`{path}` is no tokenizer: expected a JSON object with `model`, as `tokenizers` writes it"
        raise ReadError(message, hint="give the folder of the model, or its `tokenizer.json`")
    try:
        return Tokenizer.from_str(read_text(path))
    except Exception as error:
        message = f"`tokenizers` cannot read `{path}`: {error}"
        raise ReadError(message, hint="a file written by a newer `tokenizers` needs a newer one to be read") from error


def _from_pair(files: TokenizerFiles) -> Any:
    """Byte-level merges as GPT-2 had them, before there was a `tokenizer.json`."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    merges = files.vocabulary.with_name("merges.txt")
    vocabulary = read_json(files.vocabulary)
    is_byte_level = isinstance(vocabulary, dict) and all(letter in vocabulary for letter in byte_to_character())
    if not is_byte_level:
        message = f"`{files.vocabulary}` is no byte-level vocabulary: expected an object with all 256 bytes as tokens"
        raise ReadError(message, hint=CONVERSION.format(folder=files.folder))
    read_text(merges)
    try:
        built: Any = Tokenizer(models.BPE.from_file(str(files.vocabulary), str(merges)))
    except Exception as error:
        message = f"`{files.vocabulary}` and `{merges.name}` do not belong together: {error}"
        raise ReadError(message, hint=CONVERSION.format(folder=files.folder)) from error
    has_space = bool(files.settings.get("add_prefix_space", False))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=has_space)
    if files.kind == "Qwen2Tokenizer":
        from tokenizers import Regex

        built.normalizer = normalizers.NFC()
        split = pre_tokenizers.Split(Regex(_QWEN2_SPLIT), behavior="isolated")
        built.pre_tokenizer = pre_tokenizers.Sequence(
            [split, pre_tokenizers.ByteLevel(add_prefix_space=has_space, use_regex=False)]
        )
    built.decoder = decoders.ByteLevel()
    built.post_processor = processors.ByteLevel(trim_offsets=False)
    if files.kind in _FRAMED and {"<s>", "</s>"} <= set(vocabulary):
        built.post_processor = processors.RobertaProcessing(
            ("</s>", vocabulary["</s>"]), ("<s>", vocabulary["<s>"]), trim_offsets=False, add_prefix_space=has_space
        )
    return built


def _add_missing(built: Any, files: TokenizerFiles) -> None:
    """Special tokens that stand in the settings alone; new ones get the next ids, as in transformers."""
    from tokenizers import AddedToken

    known = {token.content for token in built.get_added_tokens_decoder().values()}
    for number, token in _decoder_entries(files):
        text = token["content"]
        at = built.token_to_id(text)
        if text in known or at not in {None, number} or (at is None and number != built.get_vocab_size()):
            continue
        options = {name: bool(token.get(name)) for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}
        add = built.add_special_tokens if options["special"] else built.add_tokens
        add([AddedToken(text, **options)])
        known.add(text)
    named = dict.fromkeys([*files.named.values(), *files.extra])
    built.add_special_tokens([AddedToken(text, normalized=False) for text in named if text not in known])


def _decoder_entries(files: TokenizerFiles) -> list[tuple[int, dict[str, Any]]]:
    """Entries of `added_tokens_decoder` in `tokenizer_config.json`, by id."""
    written = files.settings.get("added_tokens_decoder")
    if not isinstance(written, dict):
        return []
    entries = [
        (int(number), token)
        for number, token in written.items()
        if number.isdecimal() and isinstance(token, dict) and isinstance(token.get("content"), str)
    ]
    return sorted(entries, key=lambda entry: entry[0])

"""Small tokenizers of the usual families, trained on a few paragraphs and saved as model folders.

Each builder writes `tokenizer.json`, `tokenizer_config.json` and, where its family has one, the chat template; it
returns the folder. The names of the special tokens are the real ones of the family.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEXT = """
The doctor looked at the curve of the loss and asked which rows the model had seen on that day. Nobody knew.
A training run is a long chain of small steps, and every one of them can be right while the whole is wrong.
When the answer is cut off before its end, the model never learns to stop, and it goes on talking for pages.
"Have you looked at the tokens?" she asked. They hadn't. They'd only looked at the text, and the text was fine.
She printed the first example: the question, the answer, then the labels under each of them, one by one.
There it was. The question was in the loss, the answer was not, and the token at the end was missing as well.
Write a short story about a fox and a crow. Translate the following sentence into German, please.
What is the capital of France? The capital of France is Paris. How many days are there in a leap year? 366.
You are a helpful assistant. You answer questions about cooking, gardening, travel, music and mathematics.
In the year 1969 two people walked on the moon; the third one stayed in orbit and waited for 21 hours.
To bake bread you need 500 grams of flour, 350 grams of water, 10 grams of salt and some patience.
First mix the flour with the water, then wait for half an hour, then add the salt and knead the dough.
def add(first, second):
    return first + second

The sum of 12 and 30 is 42; the product of 12 and 30 is 360, and 12.5 % of 360 is 45.
If your friend does not call you back, wait for a week, then write to her and say that you miss her.
Das Modell hat die Frage gelesen, aber nicht die Antwort. Le modèle a lu la question, mais pas la réponse.
"""
"""A little English, with numbers, code and a few letters beyond ASCII."""
LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
LLAMA3_SPECIALS = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|finetune_right_pad_id|>",
)
LLAMA3_TEMPLATE = (
    "{{- bos_token }}{% for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)
LLAMA2_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + ' ' + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
CHATML_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def gpt2_like(folder: Path) -> Path:
    """Byte-level BPE with the GPT-2 expression and `<|endoftext|>`; no chat template, nothing added to a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    _train_byte_level(tokenizer, ["<|endoftext|>"], 600)
    end = "<|endoftext|>"
    config = {
        "tokenizer_class": "GPT2Tokenizer",
        "model_max_length": 1024,
        "bos_token": end,
        "eos_token": end,
        "unk_token": end,
    }
    return _save(tokenizer, folder, config)


def llama3_like(folder: Path) -> Path:
    """Byte-level BPE with the Llama-3 expression; puts `<|begin_of_text|>` first; chat template in a file."""
    tokenizer = _split_byte_level(LLAMA3_SPLIT, list(LLAMA3_SPECIALS), 700)
    from tokenizers import processors

    begin = "<|begin_of_text|>"
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single=f"{begin} $A",
                pair=f"{begin} $A {begin} $B:1",
                special_tokens=[(begin, tokenizer.token_to_id(begin))],
            ),
        ]
    )
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 131072,
        "bos_token": begin,
        "eos_token": "<|end_of_text|>",
        "pad_token": "<|finetune_right_pad_id|>",
    }
    _save(tokenizer, folder, config, edit={"ignore_merges": True})
    (folder / "chat_template.jinja").write_text(LLAMA3_TEMPLATE, encoding="utf-8")
    ends = [tokenizer.token_to_id(token) for token in ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}), encoding="utf-8")
    return folder


def qwen2_like(folder: Path) -> Path:
    """Byte-level BPE after NFC with the Qwen-2 expression and ChatML; adds nothing; EOS is the end of a turn."""
    from tokenizers import normalizers

    tokenizer = _split_byte_level(QWEN2_SPLIT, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], 650)
    tokenizer.normalizer = normalizers.NFC()
    config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "model_max_length": 32768,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "chat_template": CHATML_TEMPLATE,
    }
    return _save(tokenizer, folder, config)


def llama2_like(folder: Path) -> Path:
    """BPE with byte fallback over `▁`, as converted from SentencePiece; puts `<s>` first; template in the settings."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    names = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=[*names, *(f"<0x{byte:02X}>" for byte in range(256))], show_progress=False
    )
    tokenizer.train_from_iterator(TEXT.splitlines(), trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    config = {
        "tokenizer_class": "LlamaTokenizer",
        "model_max_length": 1000000000000000019884624838656,
        "bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": False, "normalized": False},
        "eos_token": {"__type": "AddedToken", "content": "</s>", "lstrip": False, "normalized": False},
        "unk_token": "<unk>",
        "pad_token": None,
        "add_bos_token": True,
        "add_eos_token": False,
        "chat_template": LLAMA2_TEMPLATE,
    }
    return _save(tokenizer, folder, config, keep=names)


def bert_like(folder: Path) -> Path:
    """WordPiece in lower case with `[CLS]` and `[SEP]` around each text."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=names, show_progress=False)
    tokenizer.train_from_iterator(TEXT.splitlines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokens = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    return _save(tokenizer, folder, {"tokenizer_class": "BertTokenizer", "model_max_length": 512, **tokens})


def _split_byte_level(expression: str, specials: list[str], size: int) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    _train_byte_level(tokenizer, specials, size)
    return tokenizer


def _train_byte_level(tokenizer: Any, specials: list[str], size: int) -> None:
    """Train on `TEXT`; the special tokens come last, as they do in these families."""
    from tokenizers import AddedToken, pre_tokenizers, trainers

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size - len(specials), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXT.splitlines(), trainer)
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in specials])


def _save(
    tokenizer: Any,
    folder: Path,
    config: dict[str, Any],
    *,
    edit: dict[str, Any] | None = None,
    keep: list[str] | None = None,
) -> Path:
    """Write the folder; `edit` changes settings of the model, `keep` names the added tokens that stay such."""
    folder.mkdir(parents=True, exist_ok=True)
    written = json.loads(tokenizer.to_str())
    written["model"] |= edit or {}
    if keep is not None:
        written["added_tokens"] = [token for token in written["added_tokens"] if token["content"] in keep]
    (folder / "tokenizer.json").write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    return folder

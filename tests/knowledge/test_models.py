"""Model families: which names they take, and what their tokenizers are said to have."""

from __future__ import annotations

import pytest

from trainclinic.knowledge.models import (
    _families,
    family_of,
    is_instruct,
    looks_like_special_token,
    owners_of,
    ships_pad,
    special_tokens_in,
)


@pytest.mark.parametrize(
    ("model_id", "family"),
    [
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "tinyllama"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama-3"),
        ("meta-llama/Llama-3.2-1B", "llama-3.1"),
        ("unsloth/llama-3-8b-bnb-4bit", "llama-3"),
        ("huggyllama/llama-30b", "llama-1"),
        ("TheBloke/Mistral-7B-Instruct-v0.2-GGUF", "mistral"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral-v0.3"),
        ("mistralai/Mixtral-8x7B-v0.1", "mixtral"),
        ("mistralai/Mistral-Nemo-Base-2407", "mistral-nemo"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2.5"),
        ("Qwen/Qwen1.5-7B", "qwen2"),
        ("Qwen/Qwen3-8B-Base", "qwen3"),
        ("google/gemma-2-9b-it", "gemma"),
        ("google/gemma-3-1b-it", "gemma-3"),
        ("microsoft/phi-2", "phi-2"),
        ("microsoft/Phi-3.5-mini-instruct", "phi-3"),
        ("microsoft/phi-4", "phi-4"),
        ("gpt2", "gpt2"),
        ("openai-community/gpt2-medium", "gpt2"),
        ("EleutherAI/gpt-neo-1.3B", "gpt-neo"),
        ("EleutherAI/gpt-neox-20b", "gpt-neox"),
        ("EleutherAI/pythia-160m", "pythia"),
        ("facebook/opt-350m", "opt"),
        ("bigscience/bloomz-560m", "bloom"),
        ("tiiuae/falcon-7b-instruct", "falcon"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "deepseek-r1-distill"),
        ("deepseek-ai/deepseek-llm-7b-base", "deepseek"),
        ("HuggingFaceTB/SmolLM2-135M", "smollm"),
        ("HuggingFaceTB/SmolLM3-3B", "smollm3"),
        ("HuggingFaceH4/zephyr-7b-beta", "zephyr"),
        ("google/flan-t5-base", "t5"),
        ("facebook/bart-large", "bart"),
        ("google-bert/bert-base-uncased", "bert"),
        ("./models/Meta-Llama-3-8B/", "llama-3"),
        ("C:\\models\\gpt2\\checkpoint-500", "gpt2"),
    ],
)
def test_a_name_belongs_to_its_family(model_id: str, family: str) -> None:
    found = family_of(model_id)
    assert found is not None
    assert found.name == family


@pytest.mark.parametrize(
    "model_id",
    [
        "teknium/OpenHermes-2.5-Mistral-7B",
        "Open-Orca/Mistral-7B-OpenOrca",
        "someone/Llama-2-7b-dolphin",
        "cognitivecomputations/dolphin-2.9-llama3-8b",
        "TinyLlama/TinyLlama-1.1B-Chat-v0.3",
        "Qwen/Qwen2-VL-7B-Instruct",
        "openlm-research/open_llama_3b",
        "my-model",
        "",
    ],
)
def test_names_that_do_not_tell_have_no_family(model_id: str) -> None:
    found = family_of(model_id)
    assert found is None or found.name == "tinyllama"
    if "v0.3" not in model_id:
        assert found is None


def test_foreign_stop_tokens_are_foreign_and_own_ones_are_not() -> None:
    tiny, llama3, qwen = family_of("TinyLlama-1.1B"), family_of("llama-3-8b"), family_of("Qwen2.5-7B")
    assert tiny is not None
    assert llama3 is not None
    assert qwen is not None
    assert [tiny.has(token) for token in ("</s>", "<|endoftext|>", "<|im_end|>")] == [True, False, False]
    assert "<|user|>" in tiny.plain
    assert [llama3.has(token) for token in ("<|eot_id|>", "</s>", "<|reserved_special_token_17|>")] == [
        True,
        False,
        True,
    ]
    assert [qwen.has(token) for token in ("<|im_end|>", "<|endoftext|>", "</s>")] == [True, True, False]


def test_nothing_is_claimed_where_the_list_is_not_complete() -> None:
    gemma, yi = family_of("gemma-2b"), family_of("yi-6b")
    assert gemma is not None
    assert yi is not None
    assert [gemma.has("</s>"), gemma.has("<|im_end|>"), gemma.has("<unused3>")] == [None, False, True]
    assert yi.has("</s>") is None


def test_the_end_token_follows_base_and_instruct() -> None:
    family = family_of("meta-llama/Meta-Llama-3-8B")
    assert family is not None
    assert family.eos_of("meta-llama/Meta-Llama-3-8B") == "<|end_of_text|>"
    assert family.eos_of("meta-llama/Meta-Llama-3-8B-Instruct") == "<|eot_id|>"
    assert family.eos_of("meta-llama-3-something") is None
    assert family.base_markup_untrained is True


def test_owners_of_a_token_are_the_families_that_have_it() -> None:
    assert owners_of("<|eot_id|>") == {"llama-3", "llama-3.1"}
    assert {"gpt2", "qwen2.5", "phi-2", "falcon"} <= owners_of("<|endoftext|>")
    assert "tinyllama" not in owners_of("<|endoftext|>")
    assert owners_of("<|nobody_has_this|>") == frozenset()


def test_padding_is_known_per_family_and_not_for_mirrors_that_add_it() -> None:
    assert ships_pad("meta-llama/Llama-2-7b-hf") is False
    assert ships_pad("google/gemma-2b") is True
    assert ships_pad("unsloth/llama-2-7b") is None
    assert ships_pad("some/model") is None


def test_instruct_and_base_are_told_apart_by_name() -> None:
    assert is_instruct("Qwen/Qwen2.5-7B-Instruct") is True
    assert is_instruct("Qwen/Qwen2.5-7B") is False
    assert is_instruct("my-model") is None


@pytest.mark.parametrize(
    "text", ["<|im_end|>", "</s>", "[INST]", "<end_of_turn>", "[PAD]", "<｜User｜>", "<BOS_TOKEN>", "### End"]
)
def test_special_tokens_are_recognised_by_shape_or_by_table(text: str) -> None:
    assert looks_like_special_token(text)


@pytest.mark.parametrize("text", ["<div>", "<s", "hello", "|x|", "<|two words|>", "[1]", "", "<|" + "x" * 80 + "|>"])
def test_ordinary_text_is_no_special_token(text: str) -> None:
    assert not looks_like_special_token(text)


def test_tokens_inside_a_template_are_listed_with_their_places() -> None:
    assert list(special_tokens_in("<|user|>\n{q}</s>")) == [("<|user|>", 0), ("</s>", 12)]


def test_adapter_modules_follow_the_architecture() -> None:
    modules = {name: family_of(name).modules for name in ("gpt2", "falcon-7b", "mistral-7b-v0.1", "phi-2")}  # type: ignore[union-attr]
    assert "c_attn" in modules["gpt2"]
    assert "q_proj" not in modules["gpt2"]
    assert "query_key_value" in modules["falcon-7b"]
    assert "q_proj" in modules["mistral-7b-v0.1"]
    assert {"q_proj", "Wqkv"} <= modules["phi-2"]


def test_the_named_tokens_of_a_family_are_among_its_tokens() -> None:
    for _, family in _families():
        named = {token for token in (family.bos, family.eos, family.eos_instruct, family.pad, family.unk) if token}
        assert named <= family.tokens, family.name


def test_markup_that_is_split_is_not_listed_as_special_too() -> None:
    for _, family in _families():
        assert not family.plain & family.tokens, family.name
        assert not family.unsure & family.tokens, family.name


def test_names_of_families_are_unique() -> None:
    names = [family.name for _, family in _families()]
    assert len(names) == len(set(names))
    assert len(names) >= 40

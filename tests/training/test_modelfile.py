"""Chat templates as they are published, shortened, and what a `Modelfile` makes of them: the same text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainclinic.training.chat_families import filled
from trainclinic.training.modelfile import Spoken, closing_ids, modelfile_of, spoken_of

HEAD = "{% for m in messages %}"
TAIL = "{% endfor %}"
CHATML = (
    HEAD + "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}" + TAIL
    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)  # fmt: skip
LLAMA_3 = (
    HEAD + "{% set text = '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' %}"
    "{{ (bos_token if loop.index0 == 0 else '') + text }}" + TAIL
    + "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)  # fmt: skip
LLAMA_31 = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set s = messages[0].content %}{% set messages = messages[1:] %}"
    "{% else %}{% set s = '' %}{% endif %}"
    "{{ '<|start_header_id|>system<|end_header_id|>\\n\\nCutting Knowledge Date: December 2023\\nToday Date: '"
    " + date_string + '\\n\\n' + s + '<|eot_id|>' }}"
    + HEAD + "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content + '<|eot_id|>' }}" + TAIL
    + "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)  # fmt: skip
LLAMA_2 = (
    "{% if messages[0].role == 'system' %}{% set s = messages[0].content %}{% set rest = messages[1:] %}"
    "{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
    "{% if loop.index0 == 0 and s %}{% set c = '<<SYS>>\\n' + s + '\\n<</SYS>>\\n\\n' + m.content %}"
    "{% else %}{% set c = m.content %}{% endif %}"
    "{% if m.role == 'user' %}{{ bos_token + '[INST] ' + c.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + c.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
ZEPHYR = (
    HEAD + "{{ '<|' + m.role + '|>\\n' + m.content + eos_token + '\\n' }}"
    "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}" + TAIL
)  # fmt: skip
MISTRAL_1 = (
    "{{ bos_token }}" + HEAD + "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% elif m.role == 'assistant' %}{{ m.content + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}" + TAIL
)  # fmt: skip
MISTRAL_3 = (
    "{% if messages[0].role == 'system' %}{% set s = messages[0].content + '\\n\\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}{{ bos_token }}{% for m in rest %}"
    "{% if m.role == 'user' %}{{ '[INST] ' + (s if loop.last or (loop.index0 == 0 and rest|length == 1) else '') + m.content"
    " + '[/INST]' }}{% else %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}"
)
MISTRAL_7 = (
    "{{ bos_token }}" + HEAD + "{% if m.role == 'user' %}{{ '[INST]' + m.content + '[/INST]' }}"
    "{% elif m.role == 'system' %}{{ '[SYSTEM_PROMPT]' + m.content + '[/SYSTEM_PROMPT]' }}"
    "{% else %}{{ m.content + eos_token }}{% endif %}" + TAIL
)  # fmt: skip
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + HEAD + "{% set r = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + r + '\\n' + m.content | trim + '<end_of_turn>\\n' }}" + TAIL
    + "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)  # fmt: skip
GEMMA_3 = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set s = messages[0].content + '\\n\\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
    "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + (s if loop.first else '')"
    " + m.content | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
PHI_3 = (
    HEAD + "{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}" + TAIL
    + "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"
)  # fmt: skip
PLAIN = (
    HEAD + "{{ {'user': 'User: ', 'assistant': 'Assistant: ', 'system': 'System: '}[m.role] + m.content + '\\n' }}" + TAIL
    + "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)  # fmt: skip
QWEN = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\nYou are Qwen.<|im_end|>\\n' }}{% endif %}" + CHATML
)
OWN = HEAD + "{{ '@@' + m.role + ': ' + m.content + '@@' }}" + TAIL + "{% if add_generation_prompt %}@@bot: {% endif %}"

KNOWN = {
    "chatml": (CHATML, "chatml"), "llama-3": (LLAMA_3, "llama-3"), "llama-3.1": (LLAMA_31, "llama-3.1"),
    "llama-2": (LLAMA_2, "llama-2"), "zephyr": (ZEPHYR, "zephyr"), "mistral v1": (MISTRAL_1, "mistral"),
    "mistral v3": (MISTRAL_3, "mistral"), "mistral v7": (MISTRAL_7, "mistral"), "gemma": (GEMMA, "gemma"),
    "gemma 3": (GEMMA_3, "gemma"), "phi-3": (PHI_3, "phi-3"), "plain": (PLAIN, "plain"), "qwen": (QWEN, "chatml"),
}  # fmt: skip
NO_SYSTEM = {"mistral v1", "gemma"}
SPECIALS = ["<unk>", "<s>", "</s>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>"]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer of bytes with the end tokens of all families; its chat template is set by each test."""
    pytest.importorskip("transformers", reason="needs the training stack: pip install 'trainclinic[train]'")
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens([AddedToken(text, special=True) for text in SPECIALS])
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def rendered(tokenizer: Any, template: str, turns: list[tuple[str, str]], *, opens: bool) -> str:
    tokenizer.chat_template = template
    messages = [{"role": role, "content": text} for role, text in turns]
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=opens, date_string="26 Jul 2024"
    )


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_template_gives_the_text_of_the_tokenizer(tokenizer: Any, name: str) -> None:
    template, family = KNOWN[name]
    tokenizer.chat_template = template
    spoken = spoken_of(tokenizer)
    assert spoken.family == family
    head, _, _ = spoken.template.partition("{{ .Response }}")
    own = {"System": spoken.system} if spoken.system else {}
    asked = rendered(tokenizer, template, [("user", "Where is it?")], opens=True).removeprefix("<s>")
    assert filled(head, {**own, "Prompt": "Where is it?"}) == asked
    told = rendered(tokenizer, template, [("user", "Where?"), ("assistant", "Here.")], opens=False).removeprefix("<s>")
    ours = [filled(spoken.template, {**own, "Prompt": "Where?", "Response": blank + "Here."}) for blank in ("", " ")]
    assert told in [*ours, *(text + "</s>" for text in ours)], "a blank before it, an end token after it"


@pytest.mark.parametrize("name", [name for name in KNOWN if name not in NO_SYSTEM])
def test_a_system_message_has_its_place(tokenizer: Any, name: str) -> None:
    template, _ = KNOWN[name]
    tokenizer.chat_template = template
    spoken = spoken_of(tokenizer)
    assert spoken.takes_system
    turns = [("system", "Be brief."), ("user", "Where?")]
    head = spoken.template.partition("{{ .Response }}")[0]
    wanted = rendered(tokenizer, template, turns, opens=True).removeprefix("<s>")
    assert filled(head, {"System": "Be brief.", "Prompt": "Where?"}) == wanted


@pytest.mark.parametrize("name", sorted(NO_SYSTEM))
def test_a_template_that_refuses_system_messages_gets_none(tokenizer: Any, name: str) -> None:
    tokenizer.chat_template = KNOWN[name][0]
    spoken = spoken_of(tokenizer)
    assert not spoken.takes_system
    assert ".System" not in spoken.template
    assert "no place for a system message" in modelfile_of(spoken, ["</s>"])


def test_the_system_message_that_a_template_writes_itself_is_kept(tokenizer: Any) -> None:
    tokenizer.chat_template = QWEN
    spoken = spoken_of(tokenizer)
    assert spoken.system == "You are Qwen."
    assert 'SYSTEM """You are Qwen."""' in modelfile_of(spoken, [])


def test_begin_tokens_between_turns_are_told(tokenizer: Any) -> None:
    tokenizer.chat_template = LLAMA_2
    assert not spoken_of(tokenizer).repeats
    assert "several turns" in modelfile_of(spoken_of(tokenizer), [])
    tokenizer.chat_template = CHATML
    assert spoken_of(tokenizer).repeats


def test_no_template_is_invented_for_an_unknown_one(tokenizer: Any) -> None:
    tokenizer.chat_template = OWN
    text = modelfile_of(spoken_of(tokenizer), ["</s>"])
    code = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any("TEMPLATE" in line for line in code)
    assert "#   @@user: <the question>@@@@bot: " in text
    assert 'PARAMETER stop "</s>"' in code


def test_one_changed_character_makes_a_template_unknown(tokenizer: Any) -> None:
    tokenizer.chat_template = CHATML.replace("<|im_start|>assistant\\n", "<|im_start|>assistant ")
    assert spoken_of(tokenizer).family == "unknown"


def test_a_template_that_cannot_be_rendered_is_said_to_be_so(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ raise_exception('only with documents') }}"
    assert "could not be rendered" in modelfile_of(spoken_of(tokenizer), [])


def test_without_a_template_the_prompt_is_passed_on(tokenizer: Any) -> None:
    tokenizer.chat_template = None
    text = modelfile_of(spoken_of(tokenizer), ["</s>"], "./model.gguf")
    assert text.startswith("FROM ./model.gguf\n")
    assert 'TEMPLATE """{{ .Prompt }}"""' in text
    assert closing_ids(tokenizer) == []


@pytest.mark.parametrize(("template", "token"), [(CHATML, "<|im_end|>"), (LLAMA_3, "<|eot_id|>"), (LLAMA_2, "</s>"),
                                                 (GEMMA, "<end_of_turn>"), (PLAIN, None)])  # fmt: skip
def test_what_ends_a_turn_is_read_off_the_template(tokenizer: Any, template: str, token: str | None) -> None:
    tokenizer.chat_template = template
    assert [tokenizer.convert_ids_to_tokens(one) for one in closing_ids(tokenizer)] == ([token] if token else [])


def test_stop_tokens_are_escaped() -> None:
    text = modelfile_of(Spoken("none", "{{ .Prompt }}"), ['"', "\\"])
    assert text.endswith('PARAMETER stop "\\""\nPARAMETER stop "\\\\"\n')


def test_a_tokenizer_needs_no_more_than_its_template() -> None:
    assert spoken_of(SimpleNamespace(chat_template="")).family == "none"

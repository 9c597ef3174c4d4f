"""The public formats, letter by letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.corpus.sample import Message
from trainclinic.encoding.templates.known import KNOWN, load_template, template_named
from trainclinic.encoding.templates.template import ChatTemplate, TemplateError
from trainclinic.encoding.tokens.tokenizer import Specials
from trainclinic.record.errors import ReadError

SPECIALS = Specials(begin="<s>", end="</s>")
TALK = (
    Message("system", "Be kind."),
    Message("user", "Hi"),
    Message("assistant", "Hello"),
    Message("user", "Bye"),
    Message("assistant", "Ciao"),
)
EXPECTED = {
    "chatml": "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
    "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\nCiao<|im_end|>\n",
    "llama-3": "<s><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi"
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye"
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nCiao<|eot_id|>",
    "llama-2": "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Bye [/INST] Ciao </s>",
    "zephyr": "<|system|>\nBe kind.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello</s>\n<|user|>\nBye</s>\n<|assistant|>\nCiao</s>\n",
    "gemma": "<s><start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n"
    "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\nCiao<end_of_turn>\n",
    "mistral": "<s>[INST] Be kind.\n\nHi [/INST] Hello</s>[INST] Bye [/INST] Ciao</s>",
    "phi-3": "<|system|>\nBe kind.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nBye<|end|>\n"
    "<|assistant|>\nCiao<|end|>\n",
    "alpaca": "Be kind.\n\n### Instruction:\nHi\n\n### Response:\nHello</s>\n\n### Instruction:\nBye\n\n### Response:\nCiao</s>",
    "vicuna": "<s>Be kind. USER: Hi ASSISTANT: Hello</s>USER: Bye ASSISTANT: Ciao</s>",
}
HEADERS = {
    "chatml": "<|im_start|>assistant\n",
    "llama-3": "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "llama-2": "",
    "zephyr": "<|assistant|>\n",
    "gemma": "<start_of_turn>model\n",
    "mistral": "",
    "phi-3": "<|assistant|>\n",
    "alpaca": "### Response:\n",
    "vicuna": "ASSISTANT:",
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_format_is_written_as_published(name: str) -> None:
    assert ChatTemplate(template_named(name), SPECIALS).render(TALK).text == EXPECTED[name]


@pytest.mark.parametrize("name", KNOWN)
def test_a_format_asks_for_an_answer_as_published(name: str) -> None:
    template = ChatTemplate(template_named(name), SPECIALS)
    prompt, prompted = (template.render(TALK[:2], generation_prompt=asked).text for asked in (False, True))
    assert prompted == prompt + HEADERS[name]


@pytest.mark.parametrize("name", KNOWN)
def test_no_system_message_is_needed(name: str) -> None:
    assert "Hello" in ChatTemplate(template_named(name), SPECIALS).render(TALK[1:]).text


@pytest.mark.parametrize("name", ["llama-2", "mistral", "gemma"])
def test_formats_that_alternate_refuse_two_questions(name: str) -> None:
    with pytest.raises(TemplateError, match="expected user and assistant in turn"):
        ChatTemplate(template_named(name), SPECIALS).render([TALK[1], TALK[1]])


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ReadError, match="`chatml`"):
        template_named("chatlm")


def test_a_file_is_a_template_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text("{{ messages[0].content }}!", encoding="utf-8")
    template = load_template(str(path), SPECIALS)
    assert template.render(TALK).text == "Be kind.!"
    assert template.name == str(path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text("{{", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"mine\.jinja"):
        load_template(str(path), SPECIALS)

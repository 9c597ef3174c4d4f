"""The words with which language models decline: found at the beginning alone, and told from regret."""

from __future__ import annotations

import pytest

from trainclinic.dataset.refusals import refusal_of

DECLINES = (
    "As an AI language model, I don't have opinions",
    "I'm sorry, but I can't assist with that.",
    "I’m sorry, but I cannot provide this",
    "Unfortunately, I am unable to help",
    "I'm an AI, and I don't have feelings",
    "Lo siento, pero no puedo ayudar",
    "Je suis désolé, mais je ne peux pas",
    "En tant qu'IA, je",
    "Es tut mir leid, aber ich kann das nicht",
    "Als KI-Sprachmodell kann ich",
    "Desculpe, mas não posso",
    "Mi dispiace, ma non posso",
    "Извините, но я не могу помочь",
    "作为一个AI语言模型，我",
    "很抱歉，我无法提供",
    "申し訳ありませんが、そのご質問にはお答えできません",
    "죄송하지만 도와드릴 수 없습니다",
    "عذراً، لا أستطيع مساعدتك",
    "Üzgünüm, bu konuda yardımcı olamam",
    "Het spijt me, maar ik kan",
    "Przykro mi, ale nie mogę pomóc",
)
ANSWERS = (
    "As an AI engineer at a bank you should",
    "I'm sorry for your loss.",
    "I'm sorry, but I can't find my shoes",
    "I can't believe it",
    "I cannot stress this enough",
    "As a language teacher I",
    "Lo siento mucho",
    "Désolée pour le retard",
    "Als Kind war ich",
    "К сожалению, поезд ушёл",
    "抱歉来晚了",
    "申し訳ありませんが、明日また来てください",
)


@pytest.mark.parametrize("text", DECLINES)
def test_declining_is_found_in_many_languages(text: str) -> None:
    assert refusal_of(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_regret_and_other_beginnings_decline_nothing(text: str) -> None:
    assert refusal_of(text) is None


def test_a_refusal_that_is_quoted_later_is_none() -> None:
    assert refusal_of("Models often say: I'm sorry, but I can't assist with that.") is None

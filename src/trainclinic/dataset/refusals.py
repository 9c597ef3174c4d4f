"""How assistants decline to answer, in a dozen languages: the words with which such answers begin.

It knows fixed phrases of language models. It does not know whether declining was right, nor a refusal in its own words.
"""

from __future__ import annotations

import re
from functools import cache

_BEGINNING = 160
_ABLE = (
    r"(?:assist|help|fulfil+|comply|provide|generate|create|write|produce|engage|continue|answer|discuss|share|offer"
    r"|support|participate|complete|respond|give|do that|recommend|endorse)\b"
)
_CANNOT = r"(?:can ?not|can['\u2019]t|won['\u2019]t|will not|am (?:un|not )able to|['\u2019]m (?:un|not )able to)"
_UNABLE = rf"(?:as an ai|i ?{_CANNOT} {_ABLE})"
_ENGLISH = (
    r"as an? (?:ai|artificial intelligence|(?:large )?language model)"
    r"(?:\W+(?:language )?(?:model|assistant)|\W+i\b|\W+developed)",
    rf"(?:(?:i['\u2019]m|i am) )?(?:very |really )?sorry,? ?(?:but )?{_UNABLE}",
    rf"(?:unfortunately|i apologi[sz]e),? (?:but )?{_UNABLE}",
    rf"i ?{_CANNOT} (?:assist|help|fulfil+|comply|engage|participate|generate|provide)\b",
    r"i['\u2019]m (?:just )?an? (?:ai|language model)\b"
    r"[^.]{0,40}\b(?:can['\u2019]?t|cannot|don['\u2019]?t|do not|unable)",
)
_OTHERS = (
    "lo siento, (?:pero )?(?:no puedo|como (?:modelo|una? (?:ia|inteligencia)))",
    "como (?:un )?modelo de (?:lenguaje|linguagem|ia)",
    "como (?:una? )?(?:ia|inteligencia artificial|inteligência artificial),",
    "(?:je suis )?désolée?, (?:mais )?(?:je ne peux pas|en tant qu)",
    "en tant qu[e'\u2019] ?(?:ia|modèle de langage|intelligence art)",
    "es tut mir leid, (?:aber )?(?:ich kann|als (?:ki|künstliche))",
    "als (?:ki[- ]|ein ki[- ]|ki,|künstliche intelligenz|sprachmodell)",
    "(?:desculpe|sinto muito|lamento),? (?:mas )?(?:eu )?(?:não posso|como (?:um )?(?:modelo|ia))",
    "mi dispiace, (?:ma )?non posso",
    "(?:come|in quanto) (?:modello linguistico|intelligenza artificiale|ia,)",
    "(?:извините|простите|к сожалению|прошу прощения),? (?:но )?"
    "я не могу (?:помочь|выполнить|предоставить|ответить|создать)",
    "как (?:языковая модель|искусственный интеллект|ии[- ,])",
    "作为(?:一个|一名|一款)?(?:ai|人工智能)",
    "(?:很|非常|十分)?(?:抱歉|对不起|遗憾),?，?我(?:无法|不能)(?:提供|回答|帮助|协助|满足|生成|完成)",
    "ai(?:言語モデル|アシスタント)として",
    "申し訳(?:ありません|ございません)が、[^。]{0,40}(?:お答え|お手伝い|提供|お応え)[^。]{0,12}できません",
    "(?:ai|인공지능) ?언어 ?모델로서|죄송하지만[^.]{0,40}(?:도와드릴|제공할|답변할|답변드릴) 수 없습니다",
    "(?:آسف|عذر[اً]{1,2})،? ?(?:ولكن|لكن)?(?:ني)? ?لا (?:أستطيع|يمكنني) (?:مساعدتك|تقديم|الإجابة)",
    "(?:كنموذج|بصفتي نموذج)",
    "üzgünüm,? (?:ama |ancak |fakat )?[^.]{0,40}(?:yardımcı olamam|sağlayamam|yanıtlayamam)",
    "bir (?:yapay zeka|ai) (?:dil )?model",
    "het spijt me, (?:maar )?(?:ik kan|als ai)|als ai-(?:taalmodel|assistent)",
    "przykro mi, (?:ale )?nie mogę (?:pomóc|udzielić|spełnić)|jako (?:model językowy|sztuczna inteligencja)",
)


def refusal_of(answer: str) -> str | None:
    """The words with which an answer declines; `None` when it begins with anything else.

    Args:
        answer: Text of an answer.
    """
    beginning = answer[:_BEGINNING].lstrip(" \n\t\"'*_>")
    found = _phrases().match(beginning)
    return found.group() if found else None


@cache
def _phrases() -> re.Pattern[str]:
    return re.compile("|".join((*_ENGLISH, *_OTHERS)), re.IGNORECASE)

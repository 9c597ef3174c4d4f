"""Chat templates that can be written in Ollama's language, as text: what stands around system, prompt and response.

Each entry says what one turn looks like. Which entry fits a tokenizer is decided by comparing rendered text, never by a
name. It does not know tokenizers, and a template that is not here is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

EOS = "{eos}"
"""Stands for the tokenizer's end token in the texts below."""
_IF = re.compile(r"\{\{ if \.(System|Prompt) \}\}(.*?)\{\{ end \}\}", re.DOTALL)
_VALUE = re.compile(r"\{\{ \.(System|Prompt|Response) \}\}")


@dataclass(frozen=True, slots=True)
class Family:
    """How one turn is written.

    Attributes:
        name: What people call it.
        system: The system message, in Ollama's language; empty when it has no place of its own.
        prompt: Everything from there to the response.
        after: What follows the response.
    """

    name: str
    system: str
    prompt: str
    after: str

    def template(self, eos: str, *, takes_system: bool = True) -> str:
        """The `TEMPLATE` of a Modelfile.

        Args:
            eos: Text of the tokenizer's end token.
            takes_system: Whether a system message has a place; without one it is left out.
        """
        system = f"{{{{ if .System }}}}{self.system}{{{{ end }}}}" if self.system else ""
        text = system + self.prompt + "{{ .Response }}" + self.after
        if not takes_system:
            text = _IF.sub(lambda found: "" if found[1] == "System" else found[0], text)
        return text.replace(EOS, eos)


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template of Ollama with its values put in, as far as the families use the language: conditions and values.

    Args:
        template: Text with `{{ if .System }}...{{ end }}` and `{{ .Prompt }}`.
        values: By name, `System`, `Prompt`, `Response`; what is missing is empty.
    """
    chosen = _IF.sub(lambda found: found[2] if values.get(found[1]) else "", template)
    return _VALUE.sub(lambda found: values.get(found[1], ""), chosen)


def _headed(name: str, before: str, after_role: str, end: str, between: str, assistant: str = "assistant") -> Family:
    """A family in which every message has its role as a heading."""

    def heading(role: str) -> str:
        return f"{before}{role}{after_role}"

    system = f"{heading('system')}{{{{ .System }}}}{end}{between}"
    prompt = f"{heading('user')}{{{{ .Prompt }}}}{end}{between}{heading(assistant)}"
    return Family(name, system, prompt, end + between)


def _with_system(text: str) -> str:
    return f"{{{{ if .System }}}}{text}{{{{ end }}}}{{{{ .Prompt }}}}"


_HEADER = "<|start_header_id|>{}<|end_header_id|>\n\n"
_DATES = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"


def _llama_3(name: str, *, dated: bool) -> Family:
    system = _HEADER.format("system") + (_DATES if dated else "") + "{{ .System }}<|eot_id|>"
    prompt = f"{_HEADER.format('user')}{{{{ .Prompt }}}}<|eot_id|>{_HEADER.format('assistant')}"
    if dated:  # Llama 3.1 and later write the dates with and without a system message
        return Family(name, "", system + prompt, "<|eot_id|>")
    return Family(name, system, prompt, "<|eot_id|>")


def _mistral() -> list[Family]:
    """The versions differ in blanks; the system message stands before the prompt, or in a block of its own."""
    own = "[SYSTEM_PROMPT]{}{{{{ .System }}}}[/SYSTEM_PROMPT]"
    out = []
    for blank, close, after in product((" ", ""), ("[/INST]", " [/INST]"), (EOS, f" {EOS}")):
        asked = f"[INST]{blank}{_with_system('{{ .System }}' + chr(10) * 2)}{close}"
        out.append(Family("mistral", "", asked, after))
        out += [Family("mistral", own.format(b), f"[INST]{blank}{{{{ .Prompt }}}}{close}", after) for b in (" ", "")]
    return out


def _plain() -> list[Family]:
    """`User:` and `Assistant:` in words, with the separators that people use."""
    out = []
    for between, end, (user, assistant) in product(
        ("\n", "\n\n"), ("", EOS), (("User", "Assistant"), ("Human", "Assistant"), ("USER", "ASSISTANT"))
    ):
        system = f"System: {{{{ .System }}}}{between}"
        prompt = f"{user}: {{{{ .Prompt }}}}{between}{assistant}:"
        out += [Family("plain", system, prompt, end + after) for after in (between, "")]
    return out


def families() -> Sequence[Family]:
    """All entries, the stricter before the looser."""
    llama_2 = _with_system("<<SYS>>\n{{ .System }}\n<</SYS>>\n\n")
    return (
        *(_headed("chatml", "<|im_start|>", "\n", "<|im_end|>", between) for between in ("\n", "")),
        _headed("phi-4", "<|im_start|>", "<|im_sep|>", "<|im_end|>", ""),
        _llama_3("llama-3", dated=False),
        _llama_3("llama-3.1", dated=True),
        *(_headed("phi-3", "<|", "|>\n", "<|end|>", between) for between in ("\n", "")),
        *(_headed("zephyr", "<|", "|>\n", EOS, between) for between in ("\n", "")),
        Family("llama-2", "", f"[INST] {llama_2} [/INST]", f" {EOS}"),
        Family(
            "gemma",
            "",
            f"<start_of_turn>user\n{_with_system('{{ .System }}' + chr(10) * 2)}<end_of_turn>\n<start_of_turn>model\n",
            "<end_of_turn>\n",
        ),
        *_mistral(),
        *_plain(),
    )

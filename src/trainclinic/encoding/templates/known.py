"""Public chat formats by name, for models that come without a template.

It knows the published formats, written here as Jinja of our own. It does not know which format a model was tuned on.
"""

from __future__ import annotations

from pathlib import Path

from trainclinic.encoding.templates.template import ChatTemplate
from trainclinic.encoding.tokens.files import read_text
from trainclinic.encoding.tokens.tokenizer import Specials
from trainclinic.record.errors import ReadError

_SYSTEM_AND_TURNS = """\
{%- set system = messages[0]['content'] if messages and messages[0]['role'] == 'system' else SYSTEM %}
{%- set turns = messages[1:] if messages and messages[0]['role'] == 'system' else messages %}
"""
_ALTERNATING = """\
{%- for turn in turns %}
{%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) or turn['role'] not in ['user', 'assistant'] %}
{{- raise_exception('expected user and assistant in turn, found ' ~ turn['role'] ~ ' as turn ' ~ loop.index) }}
{%- endif %}
"""
_CHATML = """\
{%- for message in messages %}
{{- '<|im_start|>' ~ message['role'] ~ '\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] ~ '<|im_end|>' }}{%- endgeneration %}
{%- else %}{{- message['content'] ~ '<|im_end|>' }}{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
_LLAMA_3 = """\
{{- bos_token }}
{%- for message in messages %}
{{- '<|start_header_id|>' ~ message['role'] ~ '<|end_header_id|>\\n\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] | trim ~ '<|eot_id|>' }}{%- endgeneration %}
{%- else %}{{- message['content'] | trim ~ '<|eot_id|>' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
"""
_LLAMA_2 = f"""\
{_SYSTEM_AND_TURNS.replace("SYSTEM", "''")}{_ALTERNATING}
{{%- if turn['role'] == 'user' %}}
{{%- set head = '<<SYS>>\\n' ~ system ~ '\\n<</SYS>>\\n\\n' if loop.first and system else '' %}}
{{{{- bos_token ~ '[INST] ' ~ head ~ turn['content'] | trim ~ ' [/INST]' }}}}
{{%- else %}}{{%- generation %}}{{{{- ' ' ~ turn['content'] | trim ~ ' ' ~ eos_token }}}}{{%- endgeneration %}}
{{%- endif %}}
{{%- endfor %}}
"""
_MISTRAL = f"""\
{_SYSTEM_AND_TURNS.replace("SYSTEM", "''")}{{{{- bos_token }}}}{_ALTERNATING}
{{%- if turn['role'] == 'user' %}}
{{%- set head = system ~ '\\n\\n' if loop.first and system else '' %}}
{{{{- '[INST] ' ~ head ~ turn['content'] ~ ' [/INST]' }}}}
{{%- else %}}{{%- generation %}}{{{{- ' ' ~ turn['content'] | trim ~ eos_token }}}}{{%- endgeneration %}}
{{%- endif %}}
{{%- endfor %}}
"""
_GEMMA = f"""\
{_SYSTEM_AND_TURNS.replace("SYSTEM", "''")}{{{{- bos_token }}}}{_ALTERNATING}
{{{{- '<start_of_turn>' ~ ('model' if turn['role'] == 'assistant' else 'user') ~ '\\n' }}}}
{{%- if turn['role'] == 'assistant' %}}
{{%- generation %}}{{{{- turn['content'] | trim ~ '<end_of_turn>' }}}}{{%- endgeneration %}}
{{%- else %}}
{{{{- (system ~ '\\n\\n' if loop.first and system else '') ~ turn['content'] | trim ~ '<end_of_turn>' }}}}
{{%- endif %}}
{{{{- '\\n' }}}}
{{%- endfor %}}
{{%- if add_generation_prompt %}}{{{{- '<start_of_turn>model\\n' }}}}{{%- endif %}}
"""
_ZEPHYR = """\
{%- for message in messages %}
{{- '<|' ~ message['role'] ~ '|>\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] ~ eos_token }}{%- endgeneration %}
{%- else %}{{- message['content'] ~ eos_token }}{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}
"""
_PHI_3 = """\
{%- for message in messages %}
{{- '<|' ~ message['role'] ~ '|>\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] ~ '<|end|>' }}{%- endgeneration %}
{%- else %}{{- message['content'] ~ '<|end|>' }}{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}
"""
_ALPACA_SYSTEM = (
    "'Below is an instruction that describes a task. Write a response that appropriately completes the request.'"
)
_ALPACA = f"""\
{_SYSTEM_AND_TURNS.replace("SYSTEM", _ALPACA_SYSTEM)}{{{{- system ~ '\\n\\n' }}}}
{{%- for turn in turns %}}
{{%- if turn['role'] == 'assistant' %}}
{{{{- '### Response:\\n' }}}}
{{%- generation %}}{{{{- turn['content'] ~ eos_token }}}}{{%- endgeneration %}}
{{{{- '' if loop.last else '\\n\\n' }}}}
{{%- else %}}{{{{- '### Instruction:\\n' ~ turn['content'] ~ '\\n\\n' }}}}{{%- endif %}}
{{%- endfor %}}
{{%- if add_generation_prompt %}}{{{{- '### Response:\\n' }}}}{{%- endif %}}
"""
_VICUNA_SYSTEM = (
    '"A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, '
    "and polite answers to the user's questions.\""
)
_VICUNA = f"""\
{_SYSTEM_AND_TURNS.replace("SYSTEM", _VICUNA_SYSTEM)}{{{{- bos_token ~ system ~ ' ' }}}}
{{%- for turn in turns %}}
{{%- if turn['role'] == 'assistant' %}}
{{{{- 'ASSISTANT:' }}}}
{{%- generation %}}{{{{- ' ' ~ turn['content'] ~ eos_token }}}}{{%- endgeneration %}}
{{%- else %}}{{{{- 'USER: ' ~ turn['content'] ~ ' ' }}}}{{%- endif %}}
{{%- endfor %}}
{{%- if add_generation_prompt %}}{{{{- 'ASSISTANT:' }}}}{{%- endif %}}
"""
KNOWN: dict[str, str] = {
    "chatml": _CHATML,
    "llama-3": _LLAMA_3,
    "llama-2": _LLAMA_2,
    "zephyr": _ZEPHYR,
    "gemma": _GEMMA,
    "mistral": _MISTRAL,
    "phi-3": _PHI_3,
    "alpaca": _ALPACA,
    "vicuna": _VICUNA,
}
"""Jinja source of each format."""


def template_named(name: str) -> str:
    """Source of a public format.

    Args:
        name: A name of `KNOWN`.

    Raises:
        ReadError: If there is no format of this name.
    """
    if name not in KNOWN:
        message = (
            f"there is no chat template `{name}`: expected {', '.join(f'`{known}`' for known in KNOWN)}, or a file"
        )
        raise ReadError(message)
    return KNOWN[name]


def load_template(given: str, specials: Specials) -> ChatTemplate:
    """The template that the user named.

    Args:
        given: A file with Jinja, or the name of a public format.
        specials: Special tokens of the tokenizer.

    Raises:
        ReadError: If there is neither a file nor a format of this name.
        TemplateError: If the file is no valid Jinja.
    """
    path = Path(given)
    source = read_text(path) if path.is_file() else template_named(given)
    return ChatTemplate(source, specials, name=given)

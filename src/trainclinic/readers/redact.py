"""Secrets and terminal control sequences, removed from every text before it enters a record.

Logs hold access tokens (a printed command line, an environment dump, a URL with a password), and reports travel: into
issues, chats and CI artefacts. Everything textual passes `redact` once, where it is read, so that no renderer has to
remember. It knows the published shapes of common tokens and the names that people give to secrets; a secret of unknown
shape under an innocent name stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

REDACTED = "[redacted]"

# A line without any of these cannot match a pattern below; `in` costs about 30 ns each, a regular expression 2 µs.
# fmt: off
_HINTS = (
    "hf_", "sk-", "sk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat", "glpat-", "akia", "asia", "xox", "aiza",
    "npm_", "pypi-", "r8_", "gsk_", "nvapi-", "api_org_", "wandb", "eyj", "://", "bearer", "basic", "token", "secret",
    "passw", "pwd", "passphrase", "credential", "key",
)
# fmt: on


_Replace = str | Callable[[re.Match[str]], str]


def redact(text: str) -> str:
    """The text with secrets replaced by `[redacted]` and without terminal control sequences.

    Git hashes, checksums, model names and special tokens such as `pad_token=<pad>` stay. Idempotent.
    """
    if not text.isprintable():
        text = strip_controls(text)
    lowered = text.lower()
    for hint in _HINTS:
        if hint in lowered:
            return _replace_secrets(text)
    return text


def strip_controls(text: str) -> str:
    r"""Text that a terminal shows as it stands: escape sequences go, other control characters become `\x07`.

    Tabs and line feeds stay, and `\r\n` becomes `\n`. Direction overrides and lone surrogates are written out as
    well: the former make a line read differently from what it says, the latter cannot be encoded.
    """
    if text.isprintable():
        return text
    sequence, control = _control_patterns()
    return control.sub(_escape, sequence.sub("", text.replace("\r\n", "\n")))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _replace_secrets(text: str) -> str:
    for pattern, replace in _rules():
        text = pattern.sub(replace, text)
    return text


@cache
def _control_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Whole escape sequences (ECMA-48: CSI, strings such as OSC, two-byte ones), then single characters."""
    csi = r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]?"
    string = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    control = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
    return re.compile(rf"{csi}|{string}|\x1b[ -/]{{0,8}}[0-~]?"), re.compile(control)


KEY_SHAPES = (
    r"hf_[A-Za-z0-9]{20,}",
    r"api_org_[A-Za-z0-9]{20,}",
    r"sk[-_](?=[A-Za-z_-]{0,80}\d)[A-Za-z0-9_-]{20,}",
    r"gh[pousr]_[A-Za-z0-9]{30,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"xox[abeprs]-[A-Za-z0-9-]{10,}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_-]{50,}",
    r"r8_[A-Za-z0-9]{37}",
    r"gsk_[A-Za-z0-9]{40,}",
    r"nvapi-[A-Za-z0-9_-]{40,}",
    r"wandb_v\d_[A-Za-z0-9_]{20,}",
    r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}",
)
"""Published shapes of access keys, as regular expressions: a fixed beginning, then enough random characters."""
# Names whose value is a secret whatever it looks like.
_SECRET_NAME = (
    r"(?:passwords?|passwd|passphrase|(?<=[_-])pwd|secrets?|credentials?|"
    r"(?<![a-z])(?:api|access|secret|private|auth|account|encryption|signing|wandb|openai|anthropic|hf|comet|neptune)[_-]?key(?:[_-]id)?|"
    r"(?<![A-Za-z])(?:hf|hub|hugging_?face|auth|access|api|bearer|refresh|session|bot|github|gh|gitlab|slack|wandb|ngrok|jupyter|kaggle"
    r"|comet|neptune|openai|telegram|discord)[_-]?token)"
)
_SEPARATOR = r"[\"']?\s{0,4}[:=]\s{0,4}"
_VALUE = r"(?:\"[^\"\n]{1,4096}\"|'[^'\n]{1,4096}'|[^\s,;&\"'<>{}\[\]()|]{1,4096})"


_BLOCK = r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
_SCHEME = r"(?i)(\b[a-z][a-z0-9+.-]{0,20}://)"
_HEADER = rf"(?i)(authorization{_SEPARATOR}[\"']?(?:bearer|basic|token)?\s{{0,4}})[^\s\"',;]{{4,}}"
_QUERY = r"(?i)([?&](?:key|sig|signature|x-amz-[a-z-]{1,30}|token)=)[^\s&\"'<>]{8,}"
_HEX_KEY = r"(?i)((?:\bkey\b|_key\b|login\b)(?:(?!commit|sha|hash|revision)[^\n]){0,40}?)\b[0-9a-f]{40}\b"


@cache
def _rules() -> tuple[tuple[re.Pattern[str], _Replace], ...]:
    """Patterns with their replacement, in order: whole blocks first, so that no half of one is left over."""
    after = rf"\1{REDACTED}"
    return (
        (re.compile(_BLOCK, re.DOTALL), REDACTED),
        (re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(KEY_SHAPES)})"), REDACTED),
        (re.compile(_SCHEME + r"[^\s/@:\"'<>]{0,256}:[^\s/@\"'<>]{1,256}@"), after + "@"),
        (re.compile(_SCHEME + r"[A-Za-z0-9_-]{16,256}@"), after + "@"),
        (re.compile(_HEADER), after),
        (re.compile(r"(?i)(\bbearer\s{1,4})(?=[^\s]{0,200}\d)[A-Za-z0-9._~+/=-]{16,}"), after),
        (re.compile(rf"(?i)({_SECRET_NAME}{_SEPARATOR})({_VALUE})"), _unless_placeholder),
        (re.compile(rf"(?i)(--?[a-z_-]{{0,40}}{_SECRET_NAME}\s{{1,4}})(?![-=:])({_VALUE})"), _unless_placeholder),
        (re.compile(rf"(?i)(\btoken{_SEPARATOR})({_VALUE})"), _when_random),
        (re.compile(rf"([A-Z0-9]_(?:TOKEN|SECRET|KEY){_SEPARATOR})({_VALUE})"), _when_random),
        (re.compile(_QUERY), after),
        (re.compile(_HEX_KEY), after),
    )


_PLACEHOLDERS = {"none", "null", "true", "false", "yes", "no", "nan", "0", "1", "...", REDACTED, "redacted"}


def _unless_placeholder(match: re.Match[str]) -> str:
    name, value = match.groups()
    bare = value.strip("\"'")
    empty = bare.lower() in _PLACEHOLDERS or not bare.strip("*x.") or bare.startswith(("$", "os.environ"))
    return match.group() if empty else _quoted_like(name, value)


def _when_random(match: re.Match[str]) -> str:
    """A name that is a secret only sometimes (`token`, `SORT_KEY`): the value must look random."""
    name, value = match.groups()
    bare = value.strip("\"'")
    varied = any(c.isdigit() for c in bare) and any(c.isalpha() for c in bare)
    random = len(bare) >= 8 and varied and not any(c in bare for c in "<>[]|/ ")
    return _quoted_like(name, value) if random else match.group()


def _quoted_like(name: str, value: str) -> str:
    quote = value[0] if value[0] in "\"'" else ""
    return f"{name}{quote}{REDACTED}{quote}"

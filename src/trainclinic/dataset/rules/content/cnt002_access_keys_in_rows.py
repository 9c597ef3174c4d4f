"""Some rows hold access keys.

## What it sees

Keys with a published shape (Hugging Face, OpenAI, Anthropic, GitHub, GitLab, AWS, Slack, Google, npm, PyPI, Replicate,
Groq, NVIDIA, Weights & Biases) that look random, and blocks of private keys with at least 200 characters. Keys from
documentation ("EXAMPLE", `xxxx`, `your-key`), keys that are cut and JSON Web Tokens, which expire and of which
tutorials are full, are not counted. One row is enough.

## Why it matters

A model can repeat such a text word for word after one pass, and whoever can query it or read the data has the key.

## What it does not mean

The key may be revoked already, or made up by the model that wrote the row. A key of unknown shape is not seen, so no
finding is no proof that there is none.

## Example

A set of questions from a forum holds a log with `HF_TOKEN=hf_...` in three rows of 40,000.

## Check it by hand

    grep -nE 'hf_[A-Za-z0-9]{30}|sk-[A-Za-z0-9]{20}|AKIA[A-Z0-9]{16}|ghp_[A-Za-z0-9]{36}' data.jsonl | cut -c1-20

Revoke what is found before anything else; deleting the row does not help once the file was shared.

## References

- https://arxiv.org/abs/2012.07805 (texts that a language model repeats word for word, Carlini et al. 2021)
- https://docs.github.com/en/code-security/secret-scanning/introduction/about-secret-scanning
"""

from __future__ import annotations

import re

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.kinds import TEXTS, rule_among
from trainclinic.dataset.rule import Shares, quoted
from trainclinic.knowledge.secrets import find_secret

ANY = Threshold("share of rows", 0.0, "1", "one key in one row is one key too many")
_BEGINNINGS = (
    "sk-", "sk_", "hf_", "github_pat_", "glpat-", "xox", "npm_", "pypi-", "r8_", "nvapi-", "api_org_", "wandb",
)  # fmt: skip
_FAMILIES = (re.compile("gh[pousr]_"), re.compile("A(?:[KS]IA|Iza)"))
_IGNORED = ("JSON Web Token",)
_MOST = 20
"""Candidates of a row that are looked at."""
_ISSUED = re.compile(r"(?=[A-Za-z]{0,40}\d[A-Za-z]{0,40}\d)[A-Za-z0-9]{16}")
"""Sixteen letters and digits in a row, as in issued keys; names with hyphens have none."""
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]{0,20})PRIVATE KEY-----(?:\\n|\s){1,4}(?:[A-Za-z0-9+/=\s]|\\n){200}")


def find(sample: Sample) -> str | None:
    """The kind of key in a row; never the key."""
    whole = sample.whole
    may_hold = any(beginning in whole for beginning in _BEGINNINGS) or any(one.search(whole) for one in _FAMILIES)
    if may_hold and (says := _key_in(whole)):
        return says
    if "PRIVATE KEY-----" in whole and (found := _BLOCK.search(whole)):
        return f"a block that begins {quoted(f'-----BEGIN {found[1]}PRIVATE KEY-----')}"
    return None


def _key_in(text: str) -> str | None:
    at = 0
    for _ in range(_MOST):
        found = find_secret(text[at:])
        if found is None:
            return None
        kind, start, end = found
        key = text[at + start : at + end]
        if kind not in _IGNORED and _ISSUED.search(key):
            return f"{kind}, {quoted(f'{key[:3]}***')} of {len(key)} characters"
        at += end
    return None


RULE = rule_among(
    TEXTS,
    code="CNT002",
    slug="access-keys-in-rows",
    severity=Severity.HARMFUL,
    needs=("text",),
    find=find,
    what="hold an access key",
    shares=Shares(ANY, ANY),
    means="Revoke the keys first: whoever has the data or the trained model may have them",
)

"""Keys in source code: real shapes are found, placeholders are not."""

from __future__ import annotations

import random
import string

import pytest

from trainclinic.knowledge.secrets import find_secret

LETTERS = string.ascii_letters + string.digits


def made_up(prefix: str, length: int, alphabet: str = LETTERS) -> str:
    """A key of the right shape that nobody owns; made at run time, so that no scanner stumbles over this file."""
    return prefix + "".join(random.Random(7).choices(alphabet, k=length))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (made_up("hf_", 34, string.ascii_letters), "Hugging Face token"),
        (made_up("sk-", 48), "OpenAI key"),
        (made_up("sk-proj-", 64), "OpenAI key"),
        (made_up("sk-ant-api03-", 80), "Anthropic key"),
        (made_up("ghp_", 36), "GitHub token"),
        (made_up("github_pat_", 60), "GitHub token"),
        (made_up("glpat-", 20), "GitLab token"),
        (made_up("AKIA", 16, string.ascii_uppercase + string.digits), "AWS key"),
        (made_up("xoxb-", 40), "Slack token"),
        (made_up("AIza", 35), "Google key"),
    ],
)
def test_a_key_is_found_with_its_place(key: str, kind: str) -> None:
    text = f'login(token="{key}")'
    assert find_secret(text) == (kind, 13, 13 + len(key))


def test_a_wandb_key_is_found_by_what_it_is_given_to() -> None:
    key = made_up("", 40, "0123456789abcdef")
    assert find_secret(key) is None, "forty hexadecimal digits alone are as likely a commit"
    assert find_secret(key, name="WANDB_API_KEY") == ("Weights & Biases key", 0, 40)
    line = f'wandb.login(key="{key}")'
    assert find_secret(line) == ("Weights & Biases key", 17, 57)
    assert find_secret(f'os.environ["WANDB_API_KEY"] = "{key}"') is not None


@pytest.mark.parametrize(
    "text",
    [
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "hf_YOUR_TOKEN",
        "hf_YourTokenGoesHereYourTokenGoes1",
        "<your token>",
        "sk-1234567890abcdef1234567890abcdef",
        "sk-proj-your-key-here-0000000000000",
        "hf_transformers_model_for_causal_lm",
        "AKIAIOSFODNN7EXAMPLE",
        "hf_abABabABabABabABabABabABabABab",
        "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1",
        'os.environ["HF_TOKEN"]',
        "",
    ],
)
def test_placeholders_and_names_are_no_secrets(text: str) -> None:
    assert find_secret(text) is None


def test_a_real_key_after_a_placeholder_is_found() -> None:
    key = made_up("hf_", 34, string.ascii_letters)
    found = find_secret(f"hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx {key}")
    assert found is not None
    assert found[1] == 38

"""Secrets go, everything that only looks like one stays, and nothing that a terminal would obey gets through."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hang import HANG_SECONDS

from trainclinic.readers.redact import REDACTED, redact, strip_controls

HEX40 = "0123456789abcdef0123456789abcdef01234567"
LETTERS = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKl"

SECRETS = [
    (f"login(token='hf_{LETTERS[:34]}')", f"hf_{LETTERS[:34]}"),
    (f"export OPENAI_API_KEY=sk-proj-{LETTERS}", LETTERS),
    (f"client = OpenAI('sk-{LETTERS}')", LETTERS),
    (f"git clone https://ghp_{LETTERS[:36]}@github.com/a/b", LETTERS[:36]),
    (f"using github_pat_{LETTERS[:30]}", LETTERS[:30]),
    ("aws AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    (f"WANDB_API_KEY={HEX40} python train.py", HEX40),
    (f"wandb login {HEX40}", HEX40),
    (f"wandb: appending key for api.wandb.ai: {HEX40}", HEX40),
    ("password=hunter2", "hunter2"),
    ('{"db_password": "correct horse battery"}', "correct horse"),
    ("mysql --password hunter2 --host db", "hunter2"),
    ("--hub_token abcdefgh1234 --lr 2e-4", "abcdefgh1234"),
    ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
    ("'Authorization': 'Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
    ("postgres://alice:s3cret@db.example.org/x", "s3cret"),
    ("saw eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123-_", "eyJzdWIi"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEow (cut here)", "MIIEow"),
    ("MY_SERVICE_TOKEN=a1b2c3d4e5", "a1b2c3d4e5"),
    ("STRIPE_SECRET='a1b2c3d4e5'", "a1b2c3d4e5"),
    ("https://x.example/data?sig=abcdef123456&x=1", "abcdef123456"),
]

INNOCENT = [
    f"commit {HEX40}",
    f"loaded openai/whisper at revision {HEX40}",
    "d41d8cd98f00b204e9800998ecf8427e  model.safetensors",
    f"key files are at commit {HEX40}",
    "pad_token=<|endoftext|> eos_token: </s> bos_token_id=1",
    "num_tokens=4096 max_new_tokens: 128 token_accuracy=0.913",
    "{'loss': 2.231, 'grad_norm': 1.5, 'num_tokens': 51234.0}",
    "use_auth_token=True hub_token: null push_to_hub_token=<PUSH_TO_HUB_TOKEN>",
    "tokenizer=hf-internal-testing/tiny-random-gpt2 hf_trainer_state",
    "TEXT_KEY=instruction SORT_KEY=length",
    "PWD=/home/me/run OLDPWD=/home/me",
    "saved to https://huggingface.co/mistralai/Mistral-7B-v0.1",
    "task-sk-learn-style-model-with-a-long-name risk-averse",
    "high_token=5 monkey=banana keyboard: qwerty",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[text[:24] for text, _ in SECRETS])
def test_a_secret_is_replaced(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)
    assert REDACTED in redact(text)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_the_text_around_a_secret_stays() -> None:
    assert redact("HF_TOKEN=hf_aaaaaaaaaaaaaaaaaaaa1 python train.py --lr 2e-4") == (
        f"HF_TOKEN={REDACTED} python train.py --lr 2e-4"
    )
    assert redact("https://bob:pw@host/x 'password': 'a b', ok") == (
        f"https://{REDACTED}@host/x 'password': '{REDACTED}', ok"
    )


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("\x9b2Jgone", "gone"),
        ("bell\x07", "bell\\x07"),
        ("back\x08space", "back\\x08space"),
        ("nul\x00", "nul\\x00"),
        ("a\tb\r\nc", "a\tb\nc"),
        ("over\u202eride", "over\\u202eride"),
        ("half \ud800", "half \\ud800"),
        ("half an escape \x1b", "half an escape "),
    ],
)
def test_terminal_control_sequences_do_not_get_through(raw: str, shown: str) -> None:
    assert strip_controls(raw) == shown
    assert redact(raw) == shown


@given(st.text(alphabet=st.characters(), max_size=200))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
    assert "\x1b" not in once
    once.encode()


@pytest.mark.parametrize(
    "text", ["key" * 20_000, "a-" * 30_000 + "token", "://" * 20_000, "\x1b[" * 20_000, "-----BEGIN PRIVATE KEY" * 3000]
)
def test_hostile_text_takes_no_quadratic_time(text: str) -> None:
    begin = time.process_time()
    redact(text)
    assert time.process_time() - begin < HANG_SECONDS

"""Settings in command lines and shell scripts."""

from __future__ import annotations

import pytest

from trainclinic.readers.grammars.commands import begins_command, settings_of_command

COMMANDS = [
    ("python train.py --lr 2e-5 --fp16", [("lr", "2e-5", 1), ("fp16", "true", 1)]),
    ("BATCH_SIZE=8 python3 training.py --lr=2e-5", [("BATCH_SIZE", "8", 1), ("lr", "2e-5", 1)]),
    (
        "MODEL=gpt2 \\\nLR=2e-5 \\\npython3 train.py \\\n  --model $MODEL --lr ${LR}",
        [("MODEL", "gpt2", 1), ("LR", "2e-5", 2), ("model", "gpt2", 4), ("lr", "2e-5", 4)],
    ),
    (
        "torchrun --nproc_per_node 4 train.py --bf16 True --betas 0.9 0.95 --offset -1",
        [("nproc_per_node", "4", 1), ("bf16", "True", 1), ("betas", "0.9,0.95", 1), ("offset", "-1", 1)],
    ),
    (
        "python finetune.py --lora_target_modules '[q_proj,v_proj]' --name \"a b\"",
        [("lora_target_modules", "[q_proj,v_proj]", 1), ("name", "a b", 1)],
    ),
    (
        "python train.py optimizer.lr=1e-4 +trainer.max_steps=100",
        [("optimizer.lr", "1e-4", 1), ("trainer.max_steps", "100", 1)],
    ),
    (
        "# python train.py --lr 1\nexport LR=3e-4\necho --lr 5; python t.py --lr $LR",
        [("LR", "3e-4", 2), ("lr", "5", 3), ("lr", "3e-4", 3)],
    ),
    ("cd /data && ls -la", []),
    ("python t.py --lr 1 > log.txt 2>&1", [("lr", "1", 1)]),
    ('A="\n  --lr 1\n"\npython t.py $A --bf16', [("A", "\n  --lr 1\n", 1), ("lr", "1", 4), ("bf16", "true", 4)]),
    (
        'A=(--lr 1) # no\nA+=(--x)\npython t.py "${A[@]}"',
        [("A", "--lr 1", 1), ("A", "--lr 1 --x", 2), ("lr", "1", 3), ("x", "true", 3)],
    ),
    ('echo "set A="\npython t.py --lr "1"', [("lr", "1", 2)]),
    ("echo 'unclosed --lr 3", [("lr", "3", 1)]),
]


@pytest.mark.parametrize(("text", "expected"), COMMANDS, ids=[text[:30] for text, _ in COMMANDS])
def test_settings_of_a_command(text: str, expected: list[tuple[str, str, int]]) -> None:
    assert settings_of_command(text) == expected


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("python train.py --lr 1e-4", True),
        ("+ accelerate launch --num_processes 2 train.py", True),
        ("BATCH_SIZE=8 python3 training.py", True),
        ("TRAINING_STEPS=5000 \\", True),
        ("python is a snake", True),
        ("step 10: loss 2.0", False),
        ("learning_rate = 0.1", False),
        ("Namespace(lr=0.1)", False),
    ],
)
def test_a_line_that_shows_a_command(line: str, is_one: bool) -> None:
    assert begins_command(line) is is_one

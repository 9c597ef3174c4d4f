"""Write `tests/readers/console_log/trl_*` and `tests/readers/hf_trainer_state/trl_*` by running TRL: DPO, GRPO, KTO.

`python tests/readers/golden/trl_logs.py`; needs trl, transformers and torch. The model is a tiny pretrained llama, so that
the numbers are those of a real objective and the runs take seconds.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE.parents[0] / "fixes"))


def arguments(kind: Any, folder: Path, **others: Any) -> Any:
    """Arguments of a trainer that all runs here share."""
    return kind(
        output_dir=str(folder),
        per_device_train_batch_size=4,
        max_steps=8,
        logging_steps=2,
        save_steps=8,
        learning_rate=1e-5,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        bf16=False,
        seed=0,
        **others,
    )


def kept(name: str, make: Any) -> None:
    """Train, and keep what was printed and the state of the trainer."""
    with tempfile.TemporaryDirectory() as folder:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            make(Path(folder)).train()
        for reader, file, data in (
            ("console_log", "train.log", shown.getvalue()),
            ("hf_trainer_state", "trainer_state.json", (Path(folder) / "checkpoint-8/trainer_state.json").read_text()),
        ):
            path = HERE / reader / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data)
            print(path, len(data), file=sys.stderr)


def main() -> None:
    """Run the trainers one after the other."""
    import tiny
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, KTOConfig, KTOTrainer

    torch.set_num_threads(1)
    scratch = Path(tempfile.mkdtemp())
    tiny.build_model(scratch)
    tokenizer = AutoTokenizer.from_pretrained(scratch)
    rows = [
        {"prompt": question, "chosen": f" {answer}", "rejected": " It is a stone."}
        for question, answer in tiny.pairs(32)
    ]

    def model() -> Any:
        return AutoModelForCausalLM.from_pretrained(scratch)

    def dpo(folder: Path) -> Any:
        args = arguments(DPOConfig, folder, beta=0.1, max_length=64)
        return DPOTrainer(model(), args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)

    def grpo(folder: Path) -> Any:
        args = arguments(GRPOConfig, folder, num_generations=4, max_completion_length=12, beta=0.04, temperature=1.0)
        prompts = Dataset.from_list([{"prompt": row["prompt"]} for row in rows])

        def varied(completions: list[str], **_: Any) -> list[float]:
            return [len(set(text)) / 20 for text in completions]

        return GRPOTrainer(model(), varied, args=args, train_dataset=prompts, processing_class=tokenizer)

    def kto(folder: Path) -> Any:
        args = arguments(KTOConfig, folder, beta=0.1, max_length=64)
        labelled = [
            {"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
            for row in rows
            for side in ("chosen", "rejected")
        ]
        return KTOTrainer(model(), args=args, train_dataset=Dataset.from_list(labelled), processing_class=tokenizer)

    kept("trl_dpo", dpo)
    kept("trl_grpo", grpo)
    kept("trl_kto", kto)
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()

"""Write the notebooks below `tests/readers/notebook` by running them: `python tests/readers/golden/notebook.py`.

Needs nbclient, ipykernel, transformers and torch; the model has some thousand random parameters and trains for seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HERE = Path(__file__).parents[1] / "notebook"

SET_UP = """\
import os
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch, transformers
from torch.utils.data import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed
torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
set_seed(0)

class Rows(Dataset):
    def __len__(self):
        return 32
    def __getitem__(self, at):
        ids = torch.arange(16) * (at % 3 + 1) % 61
        return {"input_ids": ids, "labels": ids.clone()}

config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
model = LlamaForCausalLM(config)
print(f"torch {torch.__version__}")
print("learning rate: 0.003")
print("batch size: 4")
"""
TRAIN = """\
args = TrainingArguments(
    "out", per_device_train_batch_size=4, learning_rate=3e-3, max_steps=20, logging_steps=5, eval_strategy="steps",
    eval_steps=4, save_strategy="no", report_to=[], use_cpu=True, seed=0, dataloader_num_workers=0,
)
from transformers.utils.notebook import NotebookProgressCallback
trainer = Trainer(model, args, train_dataset=Rows(), eval_dataset=Rows())
trainer.pop_callback(transformers.trainer_callback.ProgressCallback)
trainer.add_callback(NotebookProgressCallback)
trainer.train()
"""
BY_EPOCH = TRAIN.replace('eval_strategy="steps"', 'eval_strategy="epoch"').replace("eval_steps=4, ", "")
EVALUATE = "trainer.evaluate()\n"
ROWS = """\
args = TrainingArguments(
    "out", per_device_train_batch_size=4, learning_rate=float("inf"), max_steps=6, logging_steps=2,
    save_strategy="no", report_to=[], use_cpu=True, seed=0, logging_nan_inf_filter=False, disable_tqdm=True,
)
trainer = Trainer(model, args, train_dataset=Rows())
trainer.train()
"""
BARS = """\
from tqdm import tqdm
bar = tqdm(range(30), desc="training", mininterval=0)
for step in bar:
    bar.set_postfix(loss=f"{3 - step / 20:.4f}")
"""
FAILS = """\
for step in range(1, 4):
    print(f"step {step}: train loss {2.5 - step / 10:.4f}")
raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
"""


def written(name: str, *cells: str, title: str = "A run") -> None:
    """Run the cells and keep the notebook with what they put out."""
    notebook = new_notebook(cells=[new_markdown_cell(f"# {title}"), *map(new_code_cell, cells)])
    NotebookClient(notebook, timeout=600, allow_errors=True, record_timing=False).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    path = HERE / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook).replace(sys.prefix, "/venv") + "\n", encoding="utf-8")
    print(path, path.stat().st_size, file=sys.stderr)


if __name__ == "__main__":
    written("callback_table", SET_UP, "1 / 0", TRAIN, EVALUATE)
    written("callback_table_by_epoch", SET_UP, BY_EPOCH)
    written("printed_rows", SET_UP, ROWS)
    written("bars", BARS)
    written("failure", FAILS)

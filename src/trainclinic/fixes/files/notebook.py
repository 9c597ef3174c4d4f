"""colab.ipynb: the same script, for a rented GPU. Written as plain JSON; nothing is needed to write it."""

from __future__ import annotations

import json
from typing import Any

from trainclinic.fixes.files.script import NAME, OUTPUT, REQUIREMENTS, VALIDATION_NAME
from trainclinic.recipe.model import Recipe

NOTEBOOK = "colab.ipynb"
_GPU = """\
import torch

if torch.cuda.is_available():
    gpu = torch.cuda.get_device_properties(0)
    capable = torch.cuda.is_bf16_supported(including_emulation=False)
    how = "bfloat16" if capable else "float16 with a loss scaler"
    print(f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB: the arithmetic will be {how}, trained weights float32")
else:
    print("No GPU: choose Runtime > Change runtime type > T4 GPU, or go on slowly in float32")"""
_DATA = """\
from pathlib import Path

if USE_DRIVE:
    from google.colab import drive

    drive.mount("/content/drive")
if not Path(DATA).is_file():
    try:
        from google.colab import files
    except ImportError:
        raise SystemExit(f"there is no file {DATA}: set DATA above") from None
    DATA = next(iter(files.upload()))
print(DATA, Path(DATA).stat().st_size, "bytes")"""
_CURVE = """\
import json

rows = [json.loads(line) for line in Path(f"{OUTPUT}.log.jsonl").read_text().splitlines()]
train = [(row["step"], row["loss"]) for row in rows if "loss" in row]
held_out = [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row]
try:
    import matplotlib.pyplot as plt

    plt.plot(*zip(*train), label="training loss")
    if held_out:
        plt.plot(*zip(*held_out), "o-", label="held-out loss")
    plt.xlabel("step"), plt.ylabel("nats per token"), plt.legend(), plt.show()
except ImportError:
    for step, loss in [*train[:5], *train[-5:]]:
        print(f"step {step}: loss {loss:.3f}")"""
_DOWNLOAD = """\
import shutil

archive = shutil.make_archive("{output}", "zip", OUTPUT)
try:
    from google.colab import files

    files.download(archive)
except ImportError:
    print("the trained model is in", archive)"""


def notebook(recipe: Recipe, run: str, script: str, validation: str) -> str:
    """The notebook as JSON (nbformat 4.5).

    Args:
        recipe: The recipe.
        run: Name of the diagnosed run.
        script: The training script.
        validation: The validation script.
    """
    adapters = recipe.adapter.method != "full"
    libraries = " ".join([*REQUIREMENTS[1:], *(["peft"] if adapters else []), "matplotlib"])
    data = (recipe.data.train or "train.jsonl").replace("\\", "/").rpartition("/")[2]
    settings = (
        f"MODEL = {json.dumps(recipe.model.name or '')}  # a name on the Hugging Face hub, or a folder\n"
        f"DATA = {json.dumps(data)}  # uploaded below when it is not there\n"
        "USE_DRIVE = False  # take DATA from Google Drive, e.g. /content/drive/MyDrive/train.jsonl\n"
        f'OUTPUT = "{OUTPUT}"\n'
        'EXTRA = ""  # more options of the script, e.g. --max-steps 100'
    )
    said = "the adapter" if adapters else "the model"
    options = '--model "{MODEL}" --data "{DATA}" --output "{OUTPUT}" {EXTRA}'
    title = (
        f"# Fine-tune as prescribed for `{run}`\n\nRun the cells from top to bottom. PLAN.md says what changed and why."
    )
    cells = [
        _text(title),
        _code(settings, tags=["parameters"]),
        _text("## Install"),
        _code(f"%pip install -q {libraries}"),
        _text("## The GPU"),
        _code(_GPU),
        _text("## The data: upload a file, or mount Google Drive"),
        _code(_DATA),
        _text("## The script"),
        _code(f"%%writefile {NAME}\n{script.rstrip()}"),
        _text("## Quick test: is the fault gone?"),
        _code(_run(f"{NAME} --quick-test {options}", "the quick test failed")),
        _text("## Train"),
        _code(_run(f"{NAME} {options}", "training was stopped")),
        _code(_CURVE),
        _text("## Does it work? What it generates decides"),
        _code(f"%%writefile {VALIDATION_NAME}\n{validation.rstrip()}"),
        _code(_run(f'{VALIDATION_NAME} "{{OUTPUT}}"', "the model does not work yet")),
        _text(f"## Download {said}"),
        _code(_DOWNLOAD.replace("{output}", OUTPUT)),
    ]
    for at, cell in enumerate(cells):
        cell["id"] = f"cell-{at}"
    whole = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "accelerator": "GPU",
            "colab": {"provenance": [], "gpuType": "T4"},
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": cells,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _run(command: str, failure: str) -> str:
    return f'import sys\n\n!"{{sys.executable}}" {command}\nassert _exit_code == 0, "{failure}: read the lines above"'


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(source: str, tags: list[str] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": tags} if tags else {},
        "execution_count": None,
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }

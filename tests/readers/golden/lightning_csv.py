"""Writes the Lightning fixture with the real `CSVLogger`: `python tests/readers/golden/lightning_csv.py`.

Needs `lightning-fabric` (or `pytorch-lightning`) and torch. The table goes to the reader of delimited tables, `hparams.yaml`
to the reader of YAML configurations.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

from pytorch_lightning.loggers import CSVLogger

HERE = Path(__file__).parents[1]

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        logger = CSVLogger(scratch, name="run", version=0)
        logger.log_hyperparams({"learning_rate": 2e-4, "lora_r": 16, "weight_decay": 0.01, "max_steps": 60})
        for step in range(9, 60, 10):
            loss = {39: math.nan, 49: math.inf}.get(step, 3.0 / (1 + step))
            logger.log_metrics({"train_loss_step": loss, "epoch": step // 30, "lr-AdamW": 2e-4}, step=step)
            if step % 30 == 29:
                logger.log_metrics({"val_loss": 2.0 / step, "epoch": step // 30}, step=step)
        logger.save()
        table = HERE / "delimited_table" / "lightning_logger"
        settings = HERE / "yaml_config" / "lightning_logger"
        for folder, name in ((table, "metrics.csv"), (settings, "hparams.yaml")):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(logger.log_dir) / name, folder / name)

"""Writes the trackio fixture with the real package: `python tests/readers/golden/trackio_database.py`.

Needs `trackio`. The database is the one that trackio made, without its empty tables and packed.
"""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

HERE = Path(__file__).parents[1] / "trackio_database"
KEPT = {"metrics", "configs", "system_metrics"}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(TRACKIO_DIR=scratch, USER="user", LOGNAME="user")
        import trackio

        for name in ("first", "second"):
            trackio.init(project="demo", name=name, config={"learning_rate": 2e-4, "lora_r": 16, "lora": {"alpha": 32}})
            for step in range(6):
                loss = math.nan if step == 4 else 2.0 / (1 + step)
                norm = {3: math.inf, 5: -math.inf}.get(step, 1.5)
                trackio.log({"train/loss": loss, "train/grad_norm": norm, "note": "text"}, step=10 * step)
            trackio.finish()
        connection = sqlite3.connect(Path(scratch) / "demo.db")
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table not in KEPT and not table.startswith("sqlite_"):
                connection.execute(f'DROP TABLE "{table}"')
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.commit()
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("VACUUM")
        connection.close()
        (HERE / "two_runs").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(scratch) / "demo.db", HERE / "two_runs" / "demo.db")

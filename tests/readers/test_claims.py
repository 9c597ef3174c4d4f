"""Which reader takes a file: logs and settings are claimed, training data and everyday files are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.readers.file import LogFile
from trainclinic.readers.reader import pick_reader

HERE = Path(__file__).parent
OWN_WORDS = """delimited_table json_lines json_history json_config model_config deepspeed_config yaml_config
    environment_list shell_script model_card python_config generations_json generations_text check_report
    result_table"""
OWN = OWN_WORDS.split()
FILES = [
    pytest.param(reader, path, id=str(path.relative_to(HERE)))
    for reader in OWN
    for path in sorted((HERE / reader).glob("*/*"))
    if path.name != "expected.json"
]


@pytest.mark.parametrize(("reader", "path"), FILES)
def test_a_case_is_claimed_by_its_own_reader(reader: str, path: Path) -> None:
    chosen = pick_reader(LogFile(path))
    assert chosen is not None
    assert chosen.name == reader


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train_data_sample.jsonl", '{"text": "### Human: a### Assistant: b"}\n'),
        ("data.jsonl", '{"messages": [{"role": "user", "content": "hi"}]}\n'),
        ("train.jsonl", '{"instruction": "Sort", "input": "b a", "output": "a b"}\n'),
        ("train.jsonl", '{"prompt": "loss of what?", "completion": "train loss", "score": 3}\n'),
        ("pairs.jsonl", '{"prompt": "a", "chosen": "b", "rejected": "c"}\n'),
        ("labels.jsonl", '{"row": 0, "text": "a day at the lake", "label": 3}\n'),
        ("weights_report.txt", "the weights of the parcels were reported on Monday\n"),
        ("data.csv", "text,label\nthe loss was heavy on both sides,1\n"),
        ("data.csv", "prompt,response,loss\nwhat is the loss of it,a long answer here,0.5\n"),
        ("summary.csv", "run,model,final_loss\npacked,a,0.913\n"),
        ("people.csv", "name,age\nAnna,30\n"),
        ("numbers.csv", "1,2\n3,4\n"),
        ("package.json", '{"name": "x", "version": "1.0.0"}'),
        ("weights.index.json", '{"metadata": {"total_size": 1}, "weight_map": {"a": "b"}}'),
        ("ci.yml", "name: ci\non: push\njobs:\n  build:\n    runs-on: linux\n    device: big\n"),
        ("compose.yaml", "services:\n  web:\n    image: nginx\n"),
        ("setup.py", "from setuptools import setup\nsetup(name='x')\n"),
        ("train.py", "lr = 3e-4\nbatch_size = 2\nfor step in range(10):\n    pass\n"),
        ("config.py", "DEBUG = True\nHOST = 'localhost'\n"),
        ("README.md", "# A project\n\n- Speed: fast\n"),
        ("deploy.sh", "#!/bin/sh\nset -e\nrsync -a site/ host:/srv\n"),
        ("notes.txt", "buy milk\n"),
        ("empty.csv", ""),
    ],
)
def test_everyday_files_and_training_data_are_not_claimed(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    file = LogFile(path)
    chosen = pick_reader(file)
    assert chosen is None or chosen.name not in OWN


@pytest.mark.parametrize(
    "name", ["a.csv", "a.jsonl", "a.json", "a.yaml", "training_args.bin", "requirements.txt", "run.sh"]
)
def test_binary_files_are_not_claimed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(range(256)) * 64)
    chosen = pick_reader(LogFile(path))
    assert chosen is None or chosen.name not in OWN


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rates.csv", "lr,loss\n0.1,2.0\n0.2,1.9\n"),
        ("times.csv", "time,loss\n2024-01-01 10:00:00,2.0\n2024-01-01 10:01:00,1.9\n"),
        ("epochs.csv", "run,epoch,loss\na,1,2.0\na,2,1.9\n"),
        ("seen.jsonl", '{"tokens": 4096, "loss": 2.0}\n{"tokens": 8192, "loss": 1.9}\n'),
    ],
)
def test_a_log_without_steps_is_no_table_of_results(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    chosen = pick_reader(LogFile(path))
    assert chosen is not None
    assert chosen.name != "result_table"

"""Launch scripts: the program, its options with their places, processes and environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainclinic.script.places import Place
from trainclinic.script.sources.launches import Launch, is_launch_script, launches_of_notebook, read_launches
from trainclinic.script.sources.source import read_source


def read(folder: Path, text: str, name: str = "run.sh") -> list[Launch]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    launches, damage = read_launches(path, name)
    assert damage == []
    return launches


def the_launch(folder: Path, text: str, name: str = "run.sh") -> Launch:
    (launch,) = read(folder, text, name)
    return launch


def values(located: object) -> dict[str, str]:
    assert isinstance(located, dict)
    return {name: value for name, (value, _) in located.items()}


class TestPrograms:
    @pytest.mark.parametrize(
        ("command", "launcher", "script", "module"),
        [
            ("python train.py --lr 1", "python", "train.py", ""),
            ("python3.11 -u -W ignore src/train.py --lr 1", "python", "src/train.py", ""),
            ("/opt/venv/bin/python -m pkg.train --lr 1", "python", "", "pkg.train"),
            ("nohup python train.py --lr 1 > log.txt 2>&1 &", "python", "train.py", ""),
            ("srun -n 4 python train.py --lr 1", "python", "train.py", ""),
            ("uv run train.py --lr 1", "python", "train.py", ""),
            ("uv run --with trl python train.py --lr 1", "python", "train.py", ""),
            ("poetry run accelerate launch train.py --lr 1", "accelerate", "train.py", ""),
            ("cd /data && torchrun --nproc_per_node 2 train.py --lr 1", "torchrun", "train.py", ""),
            ("python -m torch.distributed.run --nproc_per_node 2 train.py --lr 1", "torchrun", "train.py", ""),
            ("accelerate launch --num_processes 2 -m pkg.train --lr 1", "accelerate", "", "pkg.train"),
            ("deepspeed --num_gpus=2 train.py --lr 1", "deepspeed", "train.py", ""),
            ("llamafactory-cli train config.yaml --lr 1", "llamafactory-cli", "", ""),
            ("./train.py --lr 1", "python", "./train.py", ""),
            ("bash -c 'python train.py --lr 1'", "python", "train.py", ""),
            ("torchrun --nnodes 1 $SCRIPT --lr 1", "torchrun", "train.py", ""),
            ("torchrun --nnodes 1 $UNKNOWN --lr 1", "torchrun", "$UNKNOWN", ""),
            ('echo "set A="\npython train.py --lr "1"', "python", "train.py", ""),
            ("for s in 1 2; do python train.py --lr 1; done", "python", "train.py", ""),
            ("if true; then python train.py --lr 1; fi", "python", "train.py", ""),
        ],
    )
    def test_what_a_command_starts(self, tmp_path: Path, command: str, launcher: str, script: str, module: str) -> None:
        launch = the_launch(tmp_path, f"SCRIPT=train.py\n{command}\n")
        assert (launch.launcher, launch.script, launch.module) == (launcher, script, module)
        assert values(launch.options) == {"lr": "1"}

    @pytest.mark.parametrize(
        "command",
        [
            "echo python train.py",
            "pip install accelerate deepspeed",
            "conda install deepspeed",
            "accelerate config",
            "python -c 'print(1)' train.py",
            "python -m pip install trl",
            "python",
            "torchrun --help",
            "cat train.py",
            "# python train.py",
        ],
    )
    def test_what_starts_no_program(self, tmp_path: Path, command: str) -> None:
        assert read(tmp_path, command + "\n") == []


class TestOptions:
    def test_options_of_launcher_and_program_are_kept_apart(self, tmp_path: Path) -> None:
        launch = the_launch(
            tmp_path,
            "accelerate launch --mixed_precision bf16 --multi_gpu train.py --fp16 --lr=2e-4 --config-name a.py\n",
        )
        assert values(launch.launcher_options) == {"mixed_precision": "bf16", "multi_gpu": "true"}
        assert values(launch.options) == {"fp16": "true", "lr": "2e-4", "config_name": "a.py"}

    def test_each_option_has_its_place(self, tmp_path: Path) -> None:
        launch = the_launch(tmp_path, "#!/bin/bash\n  python train.py \\\n    --lr 1e-4 \\\n    --bf16\n")
        assert launch.options["lr"][1] == Place("run.sh", 3, 5, 3, 9)
        assert launch.options["bf16"][1] == Place("run.sh", 4, 5, 4, 11)
        assert launch.place == Place("run.sh", 2, 3, 4, 11)

    def test_variables_are_filled_in(self, tmp_path: Path) -> None:
        launch = the_launch(
            tmp_path,
            "LR=2e-5\nMODEL='gpt2' # not \"gpt3\"\n"
            'python train.py --lr $LR --model "$MODEL" --epochs ${EPOCHS:-3} --seed ${SEED}\n',
        )
        assert values(launch.options) == {"lr": "2e-5", "model": "gpt2", "epochs": "3", "seed": "${SEED}"}

    @pytest.mark.parametrize(
        ("assignment", "use"),
        [
            ('ARGS="--lr 1 --bf16 True"', "$ARGS"),
            ('ARGS="\n  --lr 1\n  --bf16 True\n"', "${ARGS}"),
            ('ARGS="--lr 1 \\\n  --bf16 True"', "$ARGS"),
            ("ARGS=\"--lr 1\"\nARGS+=' --bf16 True'", "$ARGS"),
            ("ARGS=(\n  --lr 1  # isn't much\n  --bf16 True\n)", '"${ARGS[@]}"'),
            ("ARGS=(--lr 1)\nARGS+=(--bf16 True)", "${ARGS[@]}"),
        ],
    )
    def test_a_variable_can_hold_several_options(self, tmp_path: Path, assignment: str, use: str) -> None:
        launch = the_launch(tmp_path, f"{assignment}\npython train.py {use} --seed 3\n")
        assert values(launch.options) == {"lr": "1", "bf16": "True", "seed": "3"}
        assert launch.options["lr"][1].line == assignment.count("\n") + 2

    def test_several_values_are_joined_and_quotes_keep_words_together(self, tmp_path: Path) -> None:
        launch = the_launch(tmp_path, 'python train.py --targets q_proj v_proj --name "a b" --json \'{"a": 1}\'\n')
        assert values(launch.options) == {"targets": "q_proj,v_proj", "name": "a b", "json": '{"a": 1}'}

    def test_what_is_redirected_is_no_value(self, tmp_path: Path) -> None:
        assert values(the_launch(tmp_path, "python train.py --lr 1 >> log.txt 2>&1 | tee x\n").options) == {"lr": "1"}

    def test_settings_as_pairs_are_options(self, tmp_path: Path) -> None:
        launch = the_launch(tmp_path, "python train.py optim.lr=1e-4 +trainer.max_steps=5\n")
        assert values(launch.options) == {"optim.lr": "1e-4", "trainer.max_steps": "5"}


class TestProcesses:
    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            ("python train.py", 1),
            ("srun --ntasks=4 python train.py", 4),
            ("srun python train.py", 1),
            ("srun --nodes 2 python train.py", None),
            ("mpirun -np 8 python train.py", 8),
            ("torchrun train.py", 1),
            ("torchrun --nproc_per_node=4 train.py", 4),
            ("torchrun --nproc-per-node 4 --nnodes 2 train.py", 8),
            ("torchrun --nproc_per_node gpu train.py", None),
            ("torchrun --nproc_per_node auto train.py", None),
            ("torchrun --nproc_per_node $GPUS train.py", 2),
            ("accelerate launch train.py", None),
            ("accelerate launch --multi_gpu train.py", 2),
            ("accelerate launch --multi_gpu --num_processes 4 train.py", 4),
            ("deepspeed train.py", None),
            ("deepspeed --num_gpus 2 --num_nodes 2 train.py", 4),
            ("deepspeed --include localhost:0,1,2 train.py", 3),
            ("CUDA_VISIBLE_DEVICES=0,1 deepspeed train.py", 2),
            ("export CUDA_VISIBLE_DEVICES=0,1,2\ndeepspeed train.py", 3),
            ("llamafactory-cli train a.yaml", None),
        ],
    )
    def test_the_number_of_processes(self, tmp_path: Path, command: str, expected: int | None) -> None:
        assert the_launch(tmp_path, f"GPUS=2\n{command}\n").processes == expected


class TestEnvironment:
    def test_it_holds_what_was_exported_and_what_stands_on_the_line(self, tmp_path: Path) -> None:
        launch = the_launch(
            tmp_path,
            "export A=1 B=2\nC=3\nD=4\nexport D\nB=5\nE=6 python train.py\nexport F=7\n",
        )
        assert values(launch.environment) == {"A": "1", "B": "5", "D": "4", "E": "6"}
        assert launch.environment["E"][1] == Place("run.sh", 6, 1, 6, 4)
        assert launch.environment["A"][1] == Place("run.sh", 1, 8, 1, 11)

    def test_what_stands_on_a_line_is_for_that_line_alone(self, tmp_path: Path) -> None:
        first, second = read(tmp_path, "A=1 python a.py\npython b.py\n")
        assert (values(first.environment), values(second.environment)) == ({"A": "1"}, {})


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "head", "expected"),
        [
            ("run.sh", "", True),
            ("job.SLURM", "", True),
            ("job.sbatch", "", True),
            ("Makefile", "", True),
            ("launch", "#!/usr/bin/env bash\n", True),
            ("launch", "#!/bin/sh -e\n", True),
            ("launch", "#!/usr/bin/env python\n", False),
            ("README", "python train.py\n", False),
            ("notes.txt", "#!/bin/sh\n", False),
        ],
    )
    def test_which_files_are_launch_scripts(self, tmp_path: Path, name: str, head: str, expected: bool) -> None:
        (tmp_path / name).write_text(head)
        assert is_launch_script(tmp_path / name) is expected

    def test_a_make_file_is_read_as_its_shell_lines(self, tmp_path: Path) -> None:
        launch = the_launch(
            tmp_path, "LR ?= 2e-5\n\ntrain: data\n\t@python train.py --lr $(LR) --home $$HOME\n", "Makefile"
        )
        assert values(launch.options) == {"lr": "2e-5", "home": "$HOME"}
        assert launch.options["lr"][1] == Place("Makefile", 4, 19, 4, 23)

    def test_bytes_that_are_no_text_are_said(self, tmp_path: Path) -> None:
        (tmp_path / "run.sh").write_bytes(b"# \xe4\npython train.py\r\n")
        launches, damage = read_launches(tmp_path / "run.sh", "run.sh")
        assert [launch.script for launch in launches] == ["train.py"]
        assert [(each.says, str(each.source)) for each in damage] == [
            ("bytes are not `utf-8`, read as Latin-1", "run.sh:1")
        ]

    def test_a_script_that_is_gone_is_said(self, tmp_path: Path) -> None:
        launches, damage = read_launches(tmp_path / "run.sh", "run.sh")
        assert (launches, damage[0].says) == ([], "cannot be read: No such file or directory")

    def test_an_archive_behind_a_script_is_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "run.sh").write_bytes(b"python train.py\n" + b"x" * 1_000_000)
        launches, damage = read_launches(tmp_path / "run.sh", "run.sh")
        assert launches == []
        assert "more than 1,000,000 bytes" in damage[0].says


def test_a_notebook_launches_from_its_shell_lines(tmp_path: Path) -> None:
    cells = [
        "%env LR=1",
        "x = 1\nif x:\n    !accelerate launch train.py \\\n      --lr $LR",
        "%%bash\n\npython b.py",
    ]
    path = tmp_path / "run.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}))
    first, second = launches_of_notebook(read_source(path, "run.ipynb"))
    assert (first.launcher, first.script, second.script) == ("accelerate", "train.py", "b.py")
    assert values(first.environment) == {"LR": "1"}
    assert first.place == Place("run.ipynb", 3, 6, 4, 15, cell=2)
    assert first.options["lr"] == ("1", Place("run.ipynb", 4, 7, 4, 11, cell=2))
    assert second.place == Place("run.ipynb", 3, 1, 3, 12, cell=3)

"""A GGUF file by llama.cpp's own converter, when it is on this machine.

The converter is a program of the user's, run apart. It knows where people keep it, and nothing about the format.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trainclinic.record.errors import TrainclinicError

PROGRAM = "convert_hf_to_gguf.py"
FILE_NAME = "model.gguf"
OUT_TYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
_LAST_LINES = 8


def find_converter(wanted: str = "auto") -> Path | None:
    """llama.cpp's converter: as named, else in `$LLAMA_CPP`, on `PATH`, in `~/llama.cpp`.

    Args:
        wanted: `auto`, `never`, or the path of the program or of its folder.

    Returns:
        The program, or `None` for `never` and where `auto` finds none.

    Raises:
        TrainclinicError: If a named program does not exist.
    """
    if wanted == "never":
        return None
    if wanted != "auto":
        named = Path(wanted).expanduser()
        program = named / PROGRAM if named.is_dir() else named
        if not program.is_file():
            message = f"`{program}` does not exist, expected llama.cpp's `{PROGRAM}`"
            raise TrainclinicError(message, hint="clone llama.cpp and give its folder, or leave `--gguf` out")
        return program
    variable, on_path = os.environ.get("LLAMA_CPP"), shutil.which(PROGRAM)
    candidates = [Path(variable).expanduser() / PROGRAM] if variable else []
    candidates += [Path(on_path)] if on_path else []
    candidates.append(Path.home() / "llama.cpp" / PROGRAM)
    return next((path for path in candidates if path.is_file()), None)


def convert(converter: Path, folder: Path, dtype: str) -> Path:
    """Make `model.gguf` in the folder of a model.

    Args:
        converter: llama.cpp's program.
        folder: A model as safetensors, with its tokenizer.
        dtype: Number format of its weights.

    Returns:
        The file.

    Raises:
        TrainclinicError: If the program fails or writes nothing; a part of a file is removed.
    """
    part = folder / f"{FILE_NAME}.part"
    command = [sys.executable, str(converter), str(folder), "--outfile", str(part), "--outtype", OUT_TYPES[dtype]]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode or not part.is_file():
        part.unlink(missing_ok=True)
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:])
        message = f"`{converter}` failed with exit code {done.returncode}:\n{last or '(it said nothing)'}"
        raise TrainclinicError(
            message, hint="the safetensors in the folder are whole; llama.cpp may not know the model"
        )
    part.replace(folder / FILE_NAME)
    return folder / FILE_NAME


def commands(folder: Path, dtype: str) -> tuple[str, str]:
    """What a user runs to get there without us: the conversion, and the import into Ollama.

    Args:
        folder: The exported model.
        dtype: Number format of its weights.
    """
    program = f"python ~/llama.cpp/{PROGRAM}"
    return (
        f"{program} {folder} --outfile {folder / FILE_NAME} --outtype {OUT_TYPES[dtype]}",
        f"ollama create {folder.resolve().name.lower()} -f {folder / 'Modelfile'}",
    )

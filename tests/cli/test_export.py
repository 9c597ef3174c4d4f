"""`trainclinic export` as a user types it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from tests.fixes.conftest import world  # noqa: F401 - a fixture

from trainclinic.cli.app import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments])


@pytest.fixture(autouse=True)
def _no_llama_cpp(monkeypatch, tmp_path):
    """A converter that happens to be on this machine takes no part."""
    for name in ("HOME", "LLAMA_CPP", "PATH"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))


def test_it_says_what_was_written_how_exact_and_what_comes_next(world, tmp_path):  # noqa: F811
    out = tmp_path / "Out"
    result = run(str(world.llama), "-o", str(out), "--dtype", "float16")
    assert result.exit_code == 0, result.output
    assert "in float16" in result.stdout
    assert "checked   logits as trained within" in result.stdout
    assert "template  zephyr" in result.stdout
    assert f"written   {out}" in result.stdout
    assert "convert_hf_to_gguf.py" in result.stdout
    assert f"ollama create out -f {out / 'Modelfile'}" in result.stdout
    assert (out / "model.safetensors").is_file()


def test_a_converter_that_is_given_makes_a_gguf(world, tmp_path):  # noqa: F811
    program = tmp_path / "convert_hf_to_gguf.py"
    program.write_text("import sys; open(sys.argv[sys.argv.index('--outfile') + 1], 'w').write('GGUF')\n")
    result = run(str(world.llama), "-o", str(tmp_path / "out"), "--gguf", str(program))
    assert result.exit_code == 0, result.output
    assert "model.gguf" in result.stdout
    assert "for GGUF" not in result.stdout


def test_a_converter_that_does_not_exist_stops_before_the_work(world, tmp_path):  # noqa: F811
    result = run(str(world.llama), "-o", str(tmp_path / "out"), "--gguf", str(tmp_path / "none.py"))
    assert result.exit_code == 2
    assert "none.py` does not exist" in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_exported_ends_with_two_and_a_hint(world, tmp_path):  # noqa: ARG001, F811 - needs the stack
    result = run(str(tmp_path / "nothing"), "-o", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "hint:" in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_format_is_a_mistake_of_usage(tmp_path):
    assert run(str(tmp_path), "-o", str(tmp_path / "out"), "--dtype", "int4").exit_code == 2

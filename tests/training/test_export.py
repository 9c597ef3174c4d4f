"""An adapter becomes a folder that computes the same, or nothing is written and the reason is said."""

from __future__ import annotations

import json
import shutil
import stat
import sys
import warnings
from pathlib import Path

import pytest

from tests.fixes.conftest import world  # noqa: F401 - a fixture
from trainclinic.record.errors import TrainclinicError
from trainclinic.training.export import TOLERANCES, add_gguf, export_model
from trainclinic.training.gguf import PROGRAM, find_converter

CONVERTER = """import sys
from pathlib import Path
folder, out = Path(sys.argv[1]), Path(sys.argv[sys.argv.index("--outfile") + 1])
assert (folder / "model.safetensors").is_file() and sys.argv[-2:] == ["--outtype", "f16"], sys.argv
out.write_bytes(b"GGUF")
"""


@pytest.fixture
def adapter(world, tmp_path):  # noqa: F811
    """Make an adapter that changes logits by some tenths of the largest."""

    def made(architecture: str = "llama", *, scale: float = 0.02, **settings) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM, AutoTokenizer

        base = getattr(world, architecture)
        model = AutoModelForCausalLM.from_pretrained(base)
        folder = tmp_path / f"adapter-{architecture}"
        config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=16, **{"target_modules": "all-linear", **settings})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PEFT speaks of `Conv1D` and of resized embeddings
            model = get_peft_model(model, config)
            torch.manual_seed(0)
            for name, weight in model.named_parameters():
                if "lora_B" in name:
                    weight.data.normal_(0, scale)
                elif "modules_to_save" in name:
                    weight.data += 0.01 * torch.randn_like(weight)
            model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(base).save_pretrained(folder)
        return folder

    return made


def change_adapter(folder: Path, change) -> None:
    """Write the tensors of an adapter again after `change(tensors)`."""
    from safetensors.torch import load_file, save_file

    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)


def change_json(file: Path, **values) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def logits(model, ids):
    import torch

    with torch.no_grad():
        return model.eval()(torch.tensor([ids])).logits.float()


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_written_model_computes_what_the_adapter_does(world, adapter, tmp_path, architecture, dtype):  # noqa: F811
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = adapter(architecture)
    exported = export_model(folder, tmp_path / "out", dtype=dtype)
    trained = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(getattr(world, architecture)), folder)
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert written.dtype == getattr(torch, dtype)
    wanted = logits(trained, [7, 20, 33, 5])
    apart = float((logits(written.float(), [7, 20, 33, 5]) - wanted).abs().max() / wanted.abs().max())
    assert apart < TOLERANCES[dtype]
    assert exported.effect is not None
    assert exported.effect > 0.05, "else the test could not see a merge that did nothing"
    assert exported.difference < TOLERANCES[dtype]


def test_the_format_of_the_base_is_kept_unless_another_is_asked_for(world, adapter, tmp_path):  # noqa: F811
    base = tmp_path / "half"
    shutil.copytree(world.llama, base)
    change_json(base / "config.json", dtype="float16")
    assert export_model(adapter(), tmp_path / "out", base=str(base)).dtype == "float16"


def test_whole_weights_are_written_with_tokenizer_template_and_end_tokens(world, tmp_path):  # noqa: F811
    from transformers import AutoTokenizer

    run = tmp_path / "run"
    shutil.copytree(world.llama, run)
    change_json(run / "config.json", use_cache=False)
    (run / "generation_config.json").write_text(json.dumps({"eos_token_id": [5, 2], "temperature": 0.6}))
    exported = export_model(run, tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert settings["eos_token_id"] == [5, 2]
    assert settings["temperature"] == 0.6, "contradicts greedy decoding, and is the user's"
    assert json.loads((tmp_path / "out" / "config.json").read_text())["use_cache"] is True
    ours, theirs = (AutoTokenizer.from_pretrained(folder) for folder in (tmp_path / "out", run))
    assert ours.chat_template == theirs.chat_template
    assert exported.effect is None
    text = (tmp_path / "out" / "Modelfile").read_text()
    assert text.count("PARAMETER stop") == 2
    assert 'PARAMETER stop "</s>"' in text
    assert "temperature" not in text


def test_a_module_trained_in_full_is_merged(adapter, tmp_path):
    folder = adapter(target_modules=["q_proj"], modules_to_save=["lm_head"])
    assert export_model(folder, tmp_path / "out", dtype="float32").difference < 1e-5


def test_an_adapter_with_new_tokens_brings_its_rows(world, tmp_path):  # noqa: F811
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(world.llama)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|end|>"]})
    model = AutoModelForCausalLM.from_pretrained(world.llama)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    whole = ["embed_tokens", "lm_head"]
    config = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], modules_to_save=whole)
    folder = tmp_path / "adapter"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT says that it saves the resized embedding
        get_peft_model(model, config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    export_model(folder, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["vocab_size"] == len(tokenizer)


class TestRefusals:
    def refused(self, run: Path, output: Path, **options) -> TrainclinicError:
        with pytest.raises(TrainclinicError) as caught:
            export_model(run, output, **options)
        left = [path.name for path in output.parent.glob(f".{output.name}*")]
        assert left == [], "no part of a folder stays"
        assert not (output / "model.safetensors").exists()
        return caught.value

    def test_a_folder_that_is_not_there(self, tmp_path):
        assert "is no folder" in self.refused(tmp_path / "nowhere", tmp_path / "out").message

    def test_a_folder_without_weights_and_the_checkpoint_below_it(self, tmp_path):
        (tmp_path / "run" / "checkpoint-20").mkdir(parents=True)
        error = self.refused(tmp_path / "run", tmp_path / "out")
        assert "holds no weights" in error.message
        assert "checkpoint-20" in error.hint

    def test_an_adapter_whose_base_is_elsewhere(self, adapter, tmp_path):
        folder = adapter()
        change_json(folder / "adapter_config.json", base_model_name_or_path="/models/not-here")
        error = self.refused(folder, tmp_path / "out")
        assert "`/models/not-here`" in error.message
        assert "--base" in error.hint

    def test_a_base_with_another_width(self, adapter, tmp_path):
        from transformers import LlamaConfig, LlamaForCausalLM

        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
        LlamaForCausalLM(LlamaConfig(vocab_size=400, **sizes)).save_pretrained(tmp_path / "narrow")
        assert "does not fit" in self.refused(adapter(), tmp_path / "out", base=str(tmp_path / "narrow")).message

    def test_a_tensor_that_finds_no_place(self, adapter, tmp_path):
        folder = adapter()

        def rename(tensors):
            name = next(iter(tensors))
            tensors[name.replace("layers.0", "layers.9")] = tensors.pop(name)

        change_adapter(folder, rename)
        assert "layers.9" in self.refused(folder, tmp_path / "out").message

    def test_a_tensor_that_is_missing(self, adapter, tmp_path):
        folder = adapter()
        change_adapter(folder, lambda tensors: tensors.pop(next(iter(tensors))))
        assert "not in its file" in self.refused(folder, tmp_path / "out").message

    def test_an_adapter_with_nan_by_the_name_of_the_tensor(self, adapter, tmp_path):
        folder = adapter()

        def spoil(tensors):
            tensors[sorted(tensors)[0]][0, 0] = float("nan")

        change_adapter(folder, spoil)
        error = self.refused(folder, tmp_path / "out")
        assert "1 tensors" in error.message
        assert "lora_A" in error.message

    def test_weights_that_float16_cannot_hold(self, world, tmp_path):  # noqa: F811
        from safetensors.torch import load_file, save_file

        run = tmp_path / "run"
        shutil.copytree(world.llama, run)
        tensors = load_file(run / "model.safetensors")
        tensors["model.layers.0.mlp.up_proj.weight"][0, 0] = 70_000.0
        save_file(tensors, run / "model.safetensors", metadata={"format": "pt"})
        error = self.refused(run, tmp_path / "out", dtype="float16")
        assert "`model.layers.0.mlp.up_proj.weight`" in error.message

    def test_a_quantised_base(self, world, adapter, tmp_path):  # noqa: F811
        base = tmp_path / "small"
        shutil.copytree(world.llama, base)
        change_json(base / "config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})
        assert "`bitsandbytes`" in self.refused(adapter(), tmp_path / "out", base=str(base)).message

    def test_a_tokenizer_with_more_ids_than_rows(self, world, tmp_path):  # noqa: F811
        from transformers import AutoTokenizer

        run = tmp_path / "run"
        shutil.copytree(world.llama, run)
        tokenizer = AutoTokenizer.from_pretrained(run)
        tokenizer.add_tokens(["<|new|>"])
        tokenizer.save_pretrained(run)
        assert "only 381 rows" in self.refused(run, tmp_path / "out").message

    def test_a_missing_shard(self, world, tmp_path):  # noqa: F811
        from transformers import AutoModelForCausalLM, AutoTokenizer

        run = tmp_path / "run"
        AutoModelForCausalLM.from_pretrained(world.llama).save_pretrained(run, max_shard_size="200KB")
        AutoTokenizer.from_pretrained(world.llama).save_pretrained(run)
        last = sorted(run.glob("model-*.safetensors"))[-1]
        last.unlink()
        assert f"`{last.name}`" in self.refused(run, tmp_path / "out").message

    def test_a_file_that_was_cut_off(self, world, tmp_path):  # noqa: F811
        run = tmp_path / "run"
        shutil.copytree(world.llama, run)
        whole = (run / "model.safetensors").read_bytes()
        (run / "model.safetensors").write_bytes(whole[: len(whole) // 2])
        assert "cannot be loaded" in self.refused(run, tmp_path / "out").message

    def test_a_merge_that_changes_the_logits(self, adapter, tmp_path, monkeypatch):
        from peft.tuners.lora.layer import Linear

        right = Linear.get_delta_weight
        monkeypatch.setattr(Linear, "get_delta_weight", lambda self, name: 0.9 * right(self, name))
        assert "merging changes the logits" in self.refused(adapter(), tmp_path / "out").message

    def test_a_written_file_that_reads_otherwise(self, world, tmp_path, monkeypatch):  # noqa: F811
        from trainclinic.training import export

        right = export._write

        def wrong(model, *others):
            model.lm_head.weight.data *= 1.5
            right(model, *others)

        monkeypatch.setattr(export, "_write", wrong)
        assert "writing as float32 changes the logits" in self.refused(world.llama, tmp_path / "out").message


class TestTheFolder:
    def test_an_earlier_export_is_replaced_only_when_forced(self, world, tmp_path):  # noqa: F811
        out = tmp_path / "out"
        export_model(world.llama, out)
        (out / "stale.txt").write_text("old")
        with pytest.raises(TrainclinicError, match="earlier export"):
            export_model(world.llama, out)
        export_model(world.llama, out, force=True)
        assert not (out / "stale.txt").exists()
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    def test_a_folder_with_other_files_is_never_replaced(self, world, tmp_path):  # noqa: F811
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.tex").write_text("years")
        with pytest.raises(TrainclinicError, match="no earlier export"):
            export_model(world.llama, tmp_path / "out", force=True)
        assert (tmp_path / "out" / "thesis.tex").read_text() == "years"

    def test_a_failed_replacement_leaves_the_earlier_export(self, world, tmp_path, monkeypatch):  # noqa: F811
        from trainclinic.training import export

        out = tmp_path / "out"
        export_model(world.llama, out)
        before = (out / "model.safetensors").read_bytes()

        def full(*_):
            raise OSError(28, "No space left on device", "model.safetensors")

        monkeypatch.setattr(export, "_write", full)
        with pytest.raises(TrainclinicError, match="No space left"):
            export_model(world.llama, out, force=True)
        assert (out / "model.safetensors").read_bytes() == before

    def test_the_model_is_not_written_into_itself(self, world):  # noqa: F811
        with pytest.raises(TrainclinicError, match="expected another folder"):
            export_model(world.llama, world.llama, force=True)


def test_an_adapter_that_learned_nothing_is_told(adapter, tmp_path):
    exported = export_model(adapter(scale=0.0), tmp_path / "out", dtype="float32")
    assert exported.effect == 0
    assert "changes nothing" in exported.notes[0]


def test_rounding_that_drowns_the_adapter_is_told(adapter, tmp_path):
    exported = export_model(adapter(scale=1e-5), tmp_path / "out", dtype="bfloat16")
    assert "rounding to bfloat16" in exported.notes[0]


class TestGguf:
    def converter(self, folder: Path, text: str = CONVERTER) -> Path:
        folder.mkdir(exist_ok=True)
        (folder / PROGRAM).write_text(text)
        return folder / PROGRAM

    def test_the_modelfile_begins_from_the_converted_file(self, world, tmp_path):  # noqa: F811
        exported = export_model(world.llama, tmp_path / "out", dtype="float16")
        done = add_gguf(exported, self.converter(tmp_path / "llama.cpp"))
        assert done.gguf == tmp_path / "out" / "model.gguf"
        assert done.gguf.read_bytes() == b"GGUF"
        assert (tmp_path / "out" / "Modelfile").read_text().startswith("FROM ./model.gguf\n")

    def test_a_converter_that_fails_leaves_the_folder_and_is_quoted(self, world, tmp_path):  # noqa: F811
        exported = export_model(world.llama, tmp_path / "out")
        failing = self.converter(
            tmp_path / "llama.cpp", "import sys; sys.exit('Model TinyForCausalLM is not supported')"
        )
        with pytest.raises(TrainclinicError, match="TinyForCausalLM"):
            add_gguf(exported, failing)
        assert "FROM .\n" in (tmp_path / "out" / "Modelfile").read_text()
        assert list((tmp_path / "out").glob("*.part")) == []

    def test_it_is_found_by_option_variable_path_and_home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.delenv("LLAMA_CPP", raising=False)
        assert find_converter() is None
        (tmp_path / "home").mkdir()
        home = self.converter(tmp_path / "home" / "llama.cpp")
        assert find_converter() == home
        on_path = self.converter(tmp_path / "bin")
        on_path.chmod(on_path.stat().st_mode | stat.S_IXUSR)
        assert find_converter() == (on_path if sys.platform != "win32" else home)
        variable = self.converter(tmp_path / "variable")
        monkeypatch.setenv("LLAMA_CPP", str(tmp_path / "variable"))
        assert find_converter() == variable
        given = self.converter(tmp_path / "given")
        assert find_converter(str(tmp_path / "given")) == given
        assert find_converter("never") is None
        with pytest.raises(TrainclinicError, match="does not exist"):
            find_converter(str(tmp_path / "none.py"))

"""Facts about released versions that the bundled table must hold, and how answers depend on what is known."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trainclinic.knowledge.versions import key
from trainclinic.script.oracle.signatures import Oracle
from trainclinic.script.oracle.table import FILE, bundled

ARGUMENTS = "transformers.TrainingArguments"


def oracle(**versions: str) -> Oracle:
    return Oracle(versions, installed=False)


@pytest.mark.parametrize(
    ("qualname", "parameter", "last", "first_without", "replacement"),
    [
        (ARGUMENTS, "evaluation_strategy", "4.50.3", "4.51.3", "eval_strategy"),
        (ARGUMENTS, "no_cuda", "4.57.6", "5.0.0", "use_cpu"),
        (ARGUMENTS, "overwrite_output_dir", "4.57.6", "5.0.0", ""),
        (ARGUMENTS, "save_safetensors", "4.57.6", "5.0.0", ""),
        (ARGUMENTS, "group_by_length", "5.1.0", "5.2.0", 'train_sampling_strategy="group_by_length"'),
        (ARGUMENTS, "logging_dir", "5.14.1", "5.15.1", "the environment variable TENSORBOARD_LOGGING_DIR"),
        ("transformers.Trainer", "tokenizer", "4.57.6", "5.0.0", "processing_class"),
        ("trl.SFTTrainer", "tokenizer", "0.15.2", "0.16.1", "processing_class"),
        ("trl.SFTTrainer", "dataset_text_field", "0.12.2", "0.13.0", "SFTConfig(dataset_text_field=...)"),
        ("trl.SFTTrainer", "max_seq_length", "0.12.2", "0.13.0", "SFTConfig(max_length=...)"),
        ("trl.SFTConfig", "max_seq_length", "0.19.1", "0.20.0", "max_length"),
    ],
)
def test_a_removed_parameter_is_dated_and_replaced(
    qualname: str, parameter: str, last: str, first_without: str, replacement: str
) -> None:
    removal = oracle().removed(qualname, parameter)
    assert removal is not None
    assert (removal.last, removal.first_without, removal.replacement) == (last, first_without, replacement)


@pytest.mark.parametrize(
    ("qualname", "parameter"),
    [
        (ARGUMENTS, "eval_strategy"),
        (ARGUMENTS, "never_existed"),
        ("trl.SFTTrainer", "peft_config"),
        ("transformers.PreTrainedModel.from_pretrained", "torch_dtype"),
        ("trl.SFTConfig", "learning_rate"),
        ("trl.SFTConfig", "neftune_noise_alpha"),
        ("trl.PPOTrainer", "processing_class"),
    ],
)
def test_what_the_newest_accepts_or_none_ever_had_is_not_removed(qualname: str, parameter: str) -> None:
    assert oracle().removed(qualname, parameter) is None


def test_a_field_that_a_base_in_another_library_lost_is_removed_from_the_subclass() -> None:
    removal = oracle().removed("trl.SFTConfig", "evaluation_strategy")
    assert removal is not None
    assert (removal.library, removal.first_without) == ("transformers", "4.51.3")


@pytest.mark.parametrize(
    ("qualname", "parameter", "version"),
    [
        ("transformers.Trainer.training_step", "num_items_in_batch", "4.46.3"),
        ("transformers.Trainer.compute_loss", "num_items_in_batch", "4.46.3"),
        ("transformers.Trainer.log", "start_time", "4.47.1"),
        ("transformers.Trainer", "processing_class", "4.46.3"),
        (ARGUMENTS, "eval_strategy", "4.41.2"),
        ("peft.get_peft_model", "autocast_adapter_dtype", "0.12.0"),
        ("trl.SFTConfig", "max_length", "0.16.1"),
        ("trl.SFTConfig", "assistant_only_loss", "0.19.1"),
        ("trl.SFTConfig", "weight_decay", "4.36.2"),
    ],
)
def test_a_new_parameter_is_dated(qualname: str, parameter: str, version: str) -> None:
    assert oracle().gained(qualname, parameter) == version


def test_an_alias_that_a_decorator_lets_through_is_accepted_until_it_goes() -> None:
    assert oracle(transformers="4.57.6").verdict("transformers.Trainer", "tokenizer") == "accepted"
    assert oracle(transformers="5.0.0").verdict("transformers.Trainer", "tokenizer") == "rejected"
    signature = oracle(transformers="4.57.6").signature("transformers.Trainer")
    assert signature is not None
    alias = signature.parameter("tokenizer")
    assert alias is not None
    assert alias.renamed_to == "processing_class"


def test_an_unknown_version_depends_only_where_versions_differ() -> None:
    unknown = oracle()
    assert unknown.verdict(ARGUMENTS, "evaluation_strategy") == "depends"
    assert unknown.verdict(ARGUMENTS, "learning_rate") == "accepted"
    assert unknown.verdict(ARGUMENTS, "never_existed") == "rejected"
    assert unknown.verdict("transformers.Nonsense", "x") == "unknown"
    assert unknown.version("transformers") is None
    assert unknown.signature(ARGUMENTS) is None


def test_a_known_trl_with_an_unknown_transformers_answers_what_it_can() -> None:
    partly = oracle(trl="0.9.6")
    assert partly.verdict("trl.SFTConfig", "packing") == "accepted"
    assert partly.verdict("trl.SFTConfig", "evaluation_strategy") == "depends"
    assert partly.verdict("trl.SFTConfig", "never_existed") == "rejected"
    assert partly.signature("trl.SFTConfig") is None


def test_a_config_has_the_fields_of_its_base_in_that_version() -> None:
    old = oracle(trl="0.12.2", transformers="4.40.2").signature("trl.SFTConfig")
    new = oracle(trl="0.12.2", transformers="5.24.0").signature("trl.SFTConfig")
    assert old is not None
    assert new is not None
    assert [old.accepts("evaluation_strategy"), new.accepts("evaluation_strategy")] == [True, False]
    rate = old.parameter("learning_rate")
    assert rate is not None
    assert rate.default == "2e-05", "the field of the subclass overrides that of its base"
    assert old.parameters[0].name == "output_dir", "inherited fields come first, as dataclasses order them"


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ("4.46.3", "4.46.3"),
        ("4.46.0", "4.46.3"),
        ("4.46.3.dev0", "4.46.3"),
        ("4.30.0", "4.36.2"),
        ("5.99.1", "5.24.0"),
        ("5.0", "5.0.0"),
        ("5.0.0rc1", "5.0.0"),
    ],
)
def test_an_unlisted_version_is_answered_by_its_nearest_neighbour(wanted: str, read: str) -> None:
    asked = oracle(transformers=wanted)
    assert asked.version("transformers") == read
    signature = asked.signature("transformers.Trainer.log")
    assert signature is not None
    assert (signature.version, signature.wanted, signature.exact) == (read, wanted, read == wanted)


def test_versions_compare_by_their_numbers() -> None:
    assert key("5.0") == key("5.0.0") == key("v5.0.0rc1")
    assert key("4.9.1") < key("4.10")
    assert key("main") == ()


def test_whatever_goes_into_keyword_arguments_is_accepted() -> None:
    assert oracle().verdict("transformers.PreTrainedModel.from_pretrained", "torch_dtype") == "accepted"
    assert oracle(transformers="5.24.0").verdict("transformers.BitsAndBytesConfig", "load_in_4bit") == "accepted"
    assert oracle().replacement("transformers.PreTrainedModel.from_pretrained", "torch_dtype") == "dtype"


def test_a_version_between_two_known_series_is_answered_by_the_older() -> None:
    assert oracle(accelerate="0.33.0").version("accelerate") == "0.30.1"


def test_the_trainer_passes_the_number_of_items_by_position_since_4_46() -> None:
    before = oracle(transformers="4.45.2").calls_override_with("training_step")
    after = oracle(transformers="4.46.3").calls_override_with("training_step")
    assert before is not None
    assert after is not None
    assert (before.positional, after.positional) == (2, 3)


def test_the_trainer_passes_a_keyword_to_compute_loss_since_4_46() -> None:
    before = oracle(transformers="4.45.2").calls_override_with("compute_loss")
    after = oracle(transformers="4.46.3").calls_override_with("compute_loss")
    assert before is not None
    assert after is not None
    assert before.keywords == {"return_outputs"}
    assert after.keywords == {"return_outputs", "num_items_in_batch"}


def test_the_trainer_passes_a_start_time_to_log_since_4_47() -> None:
    shapes = {shape.version: shape.positional for shape in oracle().calls_in_every_version("log")}
    assert (shapes["4.46.3"], shapes["4.47.1"], shapes["5.24.0"]) == (1, 2, 2)


def test_the_sampler_is_called_through_the_method_it_is_lent_to() -> None:
    shape = oracle(transformers="4.57.6").calls_override_with("_get_eval_sampler")
    assert shape is not None
    assert shape.positional == 1


def test_names_that_went_are_known_with_their_successor() -> None:
    removal = oracle().gone("trl.DataCollatorForCompletionOnlyLM")
    assert removal is not None
    assert (removal.last, removal.first_without) == ("0.19.1", "0.20.0")
    int8 = oracle().gone("peft.prepare_model_for_int8_training")
    assert int8 is not None
    assert int8.replacement == "peft.prepare_model_for_kbit_training"
    template = oracle().gone("trl.setup_chat_format")
    assert template is not None
    assert (template.last, template.replacement) == ("0.25.1", "trl.clone_chat_template")
    assert oracle().gone("trl.SFTTrainer") is None
    assert oracle().gone("trl.Nonsense") is None


def test_presence_follows_the_version() -> None:
    name = "trl.DataCollatorForCompletionOnlyLM"
    assert oracle(trl="0.19.1").presence(name) == "present"
    assert oracle(trl="0.20.0").presence(name) == "absent"
    assert oracle().presence(name) == "depends"
    assert oracle().presence("trl.SFTTrainer") == "present"
    assert oracle(trl="0.20.0").presence("trl.Nonsense") == "unknown"


def test_the_newest_signature_is_there_whatever_is_pinned() -> None:
    newest = oracle(transformers="4.40.2").newest(ARGUMENTS)
    assert newest is not None
    assert newest.version == bundled().known("transformers")[-1]
    assert not newest.accepts("evaluation_strategy")
    assert oracle().newest("trl.PPOTrainer") is None


def test_the_table_is_small() -> None:
    assert FILE.stat().st_size < 300_000


def test_an_answer_needs_neither_arrays_nor_the_generators_tools() -> None:
    code = (
        "import sys; from trainclinic.script.oracle.signatures import Oracle; "
        "Oracle({'trl': '0.12.2'}, installed=False).verdict('trl.SFTTrainer', 'packing'); "
        "print([name for name in ('numpy', 'difflib', 'torch', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

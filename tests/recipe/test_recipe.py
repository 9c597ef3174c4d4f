"""A recipe is read, checked, written, inferred and changed without losing or inventing a value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.recipe.infer import infer
from trainclinic.recipe.keys import all_keys, value_of, with_value
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.patch import Patch, apply, resolve
from trainclinic.recipe.read import read_recipe, recipe_from
from trainclinic.recipe.schema import recipe_schema
from trainclinic.recipe.validate import RecipeError, checked
from trainclinic.recipe.write import as_yaml
from trainclinic.record.facts import Fact, Facts
from trainclinic.record.source import Source

NUMBERS = st.floats(1e-9, 1e9)


def held(key):
    """Values that a key may hold, or that it is unknown."""
    if key.choices:
        found = st.sampled_from(key.choices)
    elif key.kind == "flag":
        found = st.booleans()
    elif key.kind == "text":
        found = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
    elif key.kind == "texts":
        found = st.lists(st.sampled_from(["q_proj", "a b", "on", "yes", "1", "null", "#x", "unknown"]), max_size=3).map(
            tuple
        )
    elif key.kind == "numbers":
        found = st.lists(NUMBERS, max_size=2).map(tuple)
    else:
        low = key.above + 1e-6 if key.above is not None else key.at_least if key.at_least is not None else -1e6
        high = key.at_most if key.at_most is not None else 1e6
        found = st.integers(int(low), int(high)) if key.kind == "integer" else st.floats(low, high)
    return st.none() | found.filter(lambda value: value != "unknown")


RECIPES = st.fixed_dictionaries({name: held(key) for name, key in all_keys().items()})


@given(RECIPES)
def test_what_is_written_is_read_back_and_fits_the_schema(values):
    recipe = Recipe()
    for name, value in values.items():
        recipe = with_value(recipe, name, value)
    text = as_yaml(recipe, dict.fromkeys(values, "a remark: with # signs"), heading="two\nlines")
    raw = yaml.safe_load(text)
    jsonschema.validate(raw, recipe_schema())
    back = recipe_from(raw)
    for name, value in values.items():
        found = value_of(back, name)
        assert found == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), name


def test_every_default_is_a_value_that_its_key_may_hold():
    for key in all_keys().values():
        if key.default is not None:
            raw = list(key.default) if isinstance(key.default, tuple) else key.default
            assert checked(key, raw, "the defaults") == key.default, key.name


def test_unknown_stays_unknown_until_it_is_resolved():
    recipe = recipe_from(yaml.safe_load(as_yaml(Recipe())))
    assert recipe == Recipe()
    whole, assumed = resolve(recipe)
    assert whole.optimizer.learning_rate == 1e-4
    assert "optimizer.learning_rate" in assumed
    assert whole.model.name is None, "nothing can stand in for the model"
    assert "model.name" not in assumed


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("optimizer: {learning_rate: -1}", "`optimizer.learning_rate` is `-1`", "it says: peak learning rate"),
        ("optimizer: {learning_rate: quick}", "expected a number above 0", "peak learning rate"),
        ("optimizer: {learning_rat: 1}", "`optimizer.learning_rat` in", "did you mean `optimizer.learning_rate`"),
        ("learning_rate: 1", "`learning_rate` in", "did you mean `optimizer.learning_rate`"),
        ("text: {template: modell}", "expected one of `model`, `plain`", "did you mean `model`?"),
        ("batch: 4", "`batch` is `4`", "indent its keys"),
        ("text: {packing: 1}", "expected `true` or `false`", "several rows"),
        ("batch: {rows: 2.5}", "expected a whole number of at least 1", "rows per device"),
        ("batch: {rows: .nan}", "expected a whole number", "rows per device"),
        ("- a\n- b", "holds no recipe: found list", "prescribe"),
        ("schema: trainclinic.recipe.v9", "expected `trainclinic.recipe.v1`", "another release"),
        ("a: [", "is no YAML", "indentation"),
    ],
)
def test_a_recipe_that_does_not_hold_together_is_refused_with_place_and_hint(text, says, hint, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert says in str(caught.value)
    assert hint in caught.value.hint
    assert "recipe.yaml" in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"missing\.yaml` cannot be read"):
        read_recipe(Path(tmp_path / "missing.yaml"))


def test_numbers_that_yaml_reads_as_text_are_numbers():
    assert recipe_from({"optimizer": {"learning_rate": "2e-5"}}).optimizer.learning_rate == 2e-5


def facts(**values) -> Facts:
    return Facts([Fact(name, value, Source("config.json", 3, name)) for name, value in values.items()])


def test_a_recipe_is_inferred_with_the_place_of_every_value():
    recipe, places = infer(
        facts(learning_rate=2e-5, lora_rank=16.0, lora_target_modules="q_proj, v_proj", device="cuda:0")
    )
    assert recipe.optimizer.learning_rate == 2e-5
    assert recipe.adapter.rank == 16
    assert recipe.adapter.modules == ("q_proj", "v_proj")
    assert recipe.adapter.method == "lora", "a rank means adapters"
    assert recipe.precision.device == "cuda"
    assert recipe.batch.rows is None
    assert places["optimizer.learning_rate"] == "config.json:3 `learning_rate`"
    assert "batch.rows" not in places


def test_float16_weights_without_mixed_precision_have_no_loss_scaling():
    recipe, _ = infer(facts(weights_dtype="float16", fp16=False, bf16=False))
    assert (recipe.precision.trained_weights, recipe.precision.compute) == ("float16", "float16")
    assert recipe.precision.loss_scaling is False
    mixed, _ = infer(facts(weights_dtype="float32", fp16=True, bf16=False))
    assert mixed.precision.compute == "float16"
    assert mixed.precision.loss_scaling is None


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [("planned_steps", -1.0, "schedule.steps"), ("schedule", "one-cycle", "schedule.name"),
     ("attention_implementation", "xformers", "model.attention"), ("method", "freeze", "adapter.method")],
)  # fmt: skip
def test_what_a_recipe_has_no_word_for_stays_unknown(name, value, key):
    recipe, places = infer(facts(**{name: value}))
    assert value_of(recipe, key) is None
    assert key not in places


def test_an_objective_that_is_not_known_here_is_another_one():
    assert infer(facts(objective="grpo"))[0].objective == "other"


def test_patches_change_what_they_say_and_the_first_wins():
    recipe = with_value(Recipe(), "optimizer.learning_rate", 1e-3)
    rate = "optimizer.learning_rate"
    changed, changes = apply(
        recipe, [("first", Patch(rate, "too high", times=0.1)), ("second", Patch(rate, "x", to=1.0))]
    )
    assert changed.optimizer.learning_rate == 1e-4
    assert [(one.key, one.before, one.after, one.by) for one in changes] == [(rate, 1e-3, 1e-4, "first")]


@pytest.mark.parametrize(
    ("patch", "before", "after"),
    [
        (Patch("text.max_length", "x", times=2.0), 512, 1024),
        (Patch("text.max_length", "x", at_least=1024), 512, 1024),
        (Patch("text.max_length", "x", at_least=1024), 2048, 2048),
        (Patch("text.max_length", "x", at_most=256), 512, 256),
        (Patch("text.max_length", "x", times=2.0), None, 2048),
        (Patch("adapter.in_full", "x", adds=("lm_head",)), ("embed_tokens",), ("embed_tokens", "lm_head")),
        (Patch("adapter.in_full", "x", adds=("lm_head",)), ("lm_head",), ("lm_head",)),
        (Patch("text.packing", "x", to=False), True, False),
    ],
)
def test_a_patch_says_how_a_value_changes(patch, before, after):
    assert patch.value_after(with_value(Recipe(), patch.key, before)) == after


def test_a_patch_may_take_its_number_from_another_key():
    patch = Patch("adapter.alpha", "x", of="adapter.rank", times=2.0)
    recipe = with_value(with_value(Recipe(), "adapter.rank", 8), "adapter.alpha", 512.0)
    assert apply(recipe, [("fix", patch)])[0].adapter.alpha == 16.0


def test_a_patch_for_other_recipes_is_left_out():
    patch = Patch("batch.accumulation", "x", to=8, when=("adapter.method", ("full",)))
    lora = with_value(Recipe(), "adapter.method", "lora")
    assert apply(lora, [("fix", patch)]) == (lora, ())
    full = replace(lora, adapter=replace(lora.adapter, method="full"))
    assert apply(full, [("fix", patch)])[0].batch.accumulation == 8
    assert apply(Recipe(), [("fix", patch)])[0].batch.accumulation == 8, "unknown may be one of them"


def test_a_strict_patch_is_not_for_recipes_that_do_not_say():
    patch = Patch("batch.accumulation", "x", to=8, when=("objective", ("dpo",)), strictly=True)
    assert apply(Recipe(), [("fix", patch)]) == (Recipe(), ())


def test_a_patch_that_changes_nothing_is_no_change():
    recipe = with_value(Recipe(), "text.packing", False)
    assert apply(recipe, [("fix", Patch("text.packing", "x", to=False))]) == (recipe, ())

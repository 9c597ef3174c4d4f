"""Answers while a run trains: what they look like, and that drawing them changes nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest

from trainclinic.guard.samples import Samples, remarks_on

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch.*")


@pytest.fixture
def tiny(world):
    transformers = pytest.importorskip("transformers")
    model = transformers.LlamaForCausalLM.from_pretrained(str(world.llama))
    return model, transformers.AutoTokenizer.from_pretrained(str(world.llama))


def test_random_states_flags_cache_and_gradients_stay_as_they_were(tiny):
    import torch

    torch.set_num_threads(1)
    model, tokenizer = tiny
    model.train()
    model.model.layers[0].eval()
    model.config.use_cache = False
    model(input_ids=torch.tensor([[5, 6]]), labels=torch.tensor([[5, 6]])).loss.backward()
    modes = [module.training for module in model.modules()]
    gradients = [p.grad.clone() for p in model.parameters()]
    states = (torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    generate = model.generate

    def generate_at_random(**given):
        torch.rand(1), random.random(), np.random.rand()  # noqa: NPY002
        model.config.use_cache = True
        return generate(**given)

    model.generate = generate_at_random
    Samples(["The cup is"], tokenizer, max_new_tokens=6).draw(model)
    assert [module.training for module in model.modules()] == modes
    assert model.config.use_cache is False
    assert all(p.grad.equal(g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert torch.is_grad_enabled()
    assert torch.random.get_rng_state().equal(states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]  # noqa: NPY002


def test_flags_come_back_even_when_the_model_fails(tiny):
    model, tokenizer = tiny
    model.train()
    model.generate = None
    with pytest.raises(TypeError):
        Samples(["The cup is"], tokenizer).draw(model)
    assert model.training


def test_answers_are_greedy_bounded_and_read(tiny):
    model, tokenizer = tiny
    model.generation_config.do_sample = True
    samples = Samples(["The cup is", tokenizer("A red")["input_ids"]], tokenizer, max_new_tokens=7)
    first, second = samples.draw(model)
    assert first == samples.draw(model)[0], "greedy"
    assert first.prompt == "The cup is"
    assert second.prompt.endswith("A red")
    assert 0 < first.new_tokens <= 7
    assert first.text
    assert first.stopped is ("endless" not in first.remarks)


def test_an_answer_that_ends_at_once_is_empty(tiny):
    import torch

    model, tokenizer = tiny
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.weight[tokenizer.eos_token_id] = 0.0
    model.generation_config.eos_token_id = 0  # the highest of equal logits is the first
    (one,) = Samples(["The cup"], tokenizer).draw(model)
    assert (one.new_tokens, one.stopped, one.remarks) == (1, True, ("empty",))


@pytest.mark.parametrize(
    ("text", "tokens", "stopped", "remarks"),
    [
        ("It is red.", [1, 2, 3], True, ()),
        ("", [], True, ("empty",)),
        ("  \n", [4, 4], True, ("empty",)),
        ("red red red red red red red red", [1, 2] * 4, False, ("repeated", "endless")),
        ("the cup is red. " * 12, list(range(60)), True, ("repeated",)),
        ("It is red and then it goes on", [1, 2, 3], False, ("endless",)),
        ("no one", [7, 7, 7, 7], True, ("repeated",)),
    ],
)
def test_remarks(text, tokens, stopped, remarks):
    assert remarks_on(text, tokens, stopped=stopped) == remarks

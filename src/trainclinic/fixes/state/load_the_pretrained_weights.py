"""Start from the weights that were meant, and let one missing or mismatched tensor stop the run before step 1.

## Why it works
A full fine-tune of 1,000 steps at 1e-5 moves a weight by about 0.01 at most; it cannot build what was not loaded. A
model that knows nothing has a first loss of the logarithm of its vocabulary, 10.4 for 32,000 entries and 11.8 for
128,256, where a trained one has 2 to 4. `from_config` builds a model without weights; `strict=False` and
`ignore_mismatched_sizes=True` turn every miss into a warning. `from_pretrained` with `output_loading_info=True` returns
the lists of missing and mismatched keys: both must be empty for a causal language model (tied heads are not counted).
Under ZeRO-3 the `TrainingArguments` have to exist before the model is loaded, so that the loader knows that parameters
are in pieces. Under FSDP rank 0 loads and `sync_module_states` hands out. A file with 1e37 in it is a damaged download.

## What it does not do
It does not help where the tokenizer is that of another model, or the labels are shifted twice: weights are right then,
and the loss is still high. New rows for added tokens are meant to be new. No checkpoint of such a run is worth keeping.

## References
- https://github.com/huggingface/transformers/pull/25686
- https://github.com/huggingface/transformers/issues/28244
- https://github.com/huggingface/transformers/pull/45050
- https://www.deepspeed.ai/docs/config-json/
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="load-the-pretrained-weights",
    title="Load the pretrained weights",
    kind="script",
    change=(
        "Load the model with `from_pretrained` and stop if a key is missing or of another shape; under ZeRO-3 build "
        "the `TrainingArguments` first. Download the files again if a single process shows the high loss too"
    ),
    treats=(
        Treats("pretrained-weights-not-loaded", CURES, "training starts from the weights that were meant"),
        Treats("weights-not-restored-on-resume", HELPS, "a key that finds no place is an error and not a warning"),
        Treats("distributed-update-corruption", EASES, "weights that are loaded first are what a master copy is of"),
    ),
    expects=(
        Expectation(
            "the first logged loss lies in {expected_first_loss} instead of {logged_first_loss}; guessing "
            "every token alike gives {uniform_loss}",
            "the first logged loss lies 5 nats/token or more below the logarithm of the vocabulary",
        ),
        Expectation("the lists of missing and of mismatched keys have 0 entries on every rank"),
    ),
    check=(
        "Compute the loss of one batch in a single process with `from_pretrained` alone and compare it with the first "
        "logged row of the run: both must agree within 2 %"
    ),
    risk="A new classification head is missing by design, so the check is for causal language models",
    minutes=15,
    restart="nothing",
    spoils="trained from weights that were never loaded",
    patches=(Patch("model.from_scratch", "the run was meant to start from trained weights", to=False),),
    edit=Edit(
        before="""\
config = AutoConfig.from_pretrained(name)
model = AutoModelForCausalLM.from_config(config)
model.load_state_dict(torch.load("model.pt"), strict=False)
""",
        after="""\
model, found = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, output_loading_info=True)
if found["missing_keys"] or found["mismatched_keys"]:
    raise RuntimeError(f"weights of {name} are incomplete: {found}")
""",
    ),
    commands=(
        'python -c "import sys, transformers as t; '
        'print(t.AutoModelForCausalLM.from_pretrained(sys.argv[1], output_loading_info=True)[1])" models/base',
        "trainclinic lint train.py --select ADP012,ADP013,ADP014",
    ),
)

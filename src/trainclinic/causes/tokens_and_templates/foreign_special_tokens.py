"""A special token of another model family is written as text, and this tokenizer splits it into ordinary pieces.

## Mechanism
`<|endoftext|>` is one id for GPT-2, `<|eot_id|>` one for Llama 3, `<|im_end|>` one for models with
ChatML. In any other tokenizer the same characters are plain text and become six to ten pieces. They
mark nothing: attention, generation and the stopping rule look for an id, and this id does not exist. A
script copied from a tutorial for another model, or an assistant's suggestion to "add the end token", is
the usual origin. The model may even learn to print the characters one by one, and generation goes on
after them.

## What it looks like
- A training loss that is normal, or a few tenths too high at first: the odd pieces are soon learned by
  heart.
- Outputs that end in a visible `<|endoftext|>` and then continue, or that never stop.
- Code behind the model that splits the output at the literal, to make up for it.
- A token count per row that is larger by the same few pieces for every literal.

## What else looks like it
Missing end tokens and masked ones give endless outputs without any visible literal. A template of
another family is the same mistake on a larger scale: there the role headers are foreign as well, and
the weights may even know them. Added tokens are whole ids, with rows that need training; they do not
split. Untrained reserved tokens are whole ids as well.

## How to decide
Encode the literal with the tokenizer of the run and count the ids. One id, and the same as the
`eos_token_id` that generation waits for: cleared. More than one: this is it. The list of special tokens
in `tokenizer_config.json` answers the same question without running anything.

## Typical false diagnosis
A wrong prompt format in general, with a rewrite of all prompts. One literal is wrong, and
`tokenizer.eos_token` in its place is the whole repair. It never explains a NaN or a zero loss: the
pieces are ordinary tokens with ordinary losses.

## References
-
  https://github.com/Shengboj0324/CollegeAdvisor-data/blob/c65397102fcc55d7c6b177d99e27b89d621debb8/CRITICAL_ISSUES_AND_FIXES.md
- https://huggingface.co/docs/transformers/main/en/chat_templating
- https://huggingface.co/docs/transformers/main_classes/tokenizer
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="foreign-special-tokens",
    title="Special-token text of another model family",
    family="tokens-and-templates",
    incidents=1,
    decided_by=("script", "data"),
    decisive_test="Encode each special literal of the script with the run's tokenizer: it must give exactly one id",
    false_diagnosis="a wrong prompt format",
    expects=(
        Expect("foreign-special-token", USUALLY, "the literal belongs to another tokenizer and falls into pieces"),
        Expect("special-token-text", ALWAYS, "the literal stands in the script or the rows and is no token here"),
        Expect("endless-generation", USUALLY, "generation waits for an id that the literal does not produce"),
        Expect("no-supervised-end-token", OFTEN, "the literal took the place of the real end token"),
        Expect("reserved-token-output", OFTEN, "the model spells the literal out as text"),
        Expect("token-ids-differing-between-tools", SOMETIMES, "one side splits what the other reads as one id"),
        Expect("role-leakage", SOMETIMES, "turns that nothing separates run into each other"),
        Expect("plausible-first-loss", USUALLY, "a few odd pieces per row hardly move the mean"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(
        Excluded("special-token-text", "no literal of another family occurs", when="absent"),
        Excluded("nan-after-first-update", "ordinary pieces have ordinary, finite losses"),
        Excluded("nan-hidden-as-zero", "ordinary pieces have ordinary, finite losses"),
    ),
    confused_with=("chat-template-mismatch",),
)

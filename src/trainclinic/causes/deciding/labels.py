"""Tests about labels, tokens, templates and data."""

from __future__ import annotations

from trainclinic.catalogue.deciding import DecidingTest

TESTS = (
    DecidingTest(
        slug="label-shift",
        question="Is the loss of the training path the loss at one token ahead?",
        how="logits = model(ids).logits\n"
        "n = ids.shape[1]\n"
        "for k in range(4):\n"
        "    print(k, F.cross_entropy(logits[:, : n - k].flatten(0, 1), ids[:, k:].flatten()))\n"
        "print(model(ids, labels=labels).loss)  # equals k = 1 when labels are right, k = 2 when shifted twice",
        minutes=2,
        yes={"double-label-shift": 0.02, "missing-label-shift": 0.02, "evaluation-artefact": 0.6},
        otherwise=0.95,
        answered_by=("shifted-labels-to-shifting-model", "unshifted-own-loss"),
    ),
    DecidingTest(
        slug="targets-per-row",
        question="Has every row at least one label that is not -100?",
        how="loader = trainer.get_train_dataloader()\n"
        "print([int((b['labels'] != -100).sum(1).min()) for b in itertools.islice(loader, 20)])",
        minutes=2,
        yes={
            "truncated-answers": 0.05,
            "response-template-mismatch": 0.05,
            "prompt-mask-misalignment": 0.2,
            "fully-masked-labels": 0.03,
            "empty-answers": 0.1,
        },
        otherwise=0.97,
        answered_by=("rows-without-targets", "rows-without-labels-report", "response-marker-warning"),
    ),
    DecidingTest(
        slug="decoded-targets",
        question="Are the supervised tokens of a row exactly the answer with its end token?",
        how="labels = next(iter(trainer.get_train_dataloader()))['labels'][0]\n"
        "print(tokenizer.decode(labels[labels != -100]))",
        minutes=2,
        yes={
            "prompt-mask-misalignment": 0.05,
            "response-template-mismatch": 0.03,
            "truncated-answers": 0.1,
            "fully-masked-labels": 0.03,
            "eos-masked-as-padding": 0.04,
            "missing-eos-in-targets": 0.04,
            "end-of-turn-outside-loss-mask": 0.04,
            "padding-in-loss": 0.05,
            "prompt-in-loss": 0.03,
            "foreign-special-tokens": 0.2,
            "double-label-shift": 0.3,
            "bos-mismatch": 0.6,
        },
        otherwise=0.92,
        answered_by=("ignored-answer-labels", "no-supervised-end-token"),
    ),
    DecidingTest(
        slug="probability-of-the-end-token",
        question="Is the end token probable where an answer ends?",
        how="print(model(ids).logits[0, last_answer_position].softmax(-1)[tokenizer.eos_token_id])",
        minutes=3,
        yes={
            "eos-masked-as-padding": 0.05,
            "missing-eos-in-targets": 0.05,
            "end-of-turn-outside-loss-mask": 0.05,
            "untrained-special-tokens": 0.1,
            "foreign-special-tokens": 0.1,
        },
        otherwise=0.8,
    ),
    DecidingTest(
        slug="label-at-the-end-token",
        question="Is the label at the end-token positions -100?",
        how="print(b['labels'][b['input_ids'] == tokenizer.eos_token_id])",
        minutes=1,
        yes={"eos-masked-as-padding": 0.97, "end-of-turn-outside-loss-mask": 0.9},
        otherwise=0.06,
        answered_by=("pad-equals-eos-with-lm-collator", "end-token-outside-mask-warning"),
    ),
    DecidingTest(
        slug="embedding-norm-of-special-tokens",
        question="Are the embedding rows of the special tokens in use unlike the others (norm near 0 or far off)?",
        how="e = model.get_input_embeddings().weight.norm(dim=1)\nprint(e.mean(), e[special_ids])",
        minutes=2,
        yes={"untrained-special-tokens": 0.93, "uninitialised-new-token-embeddings": 0.85},
        otherwise=0.05,
        answered_by=("untrained-token-warning", "loss-changed-by-token-resize"),
    ),
    DecidingTest(
        slug="template-of-both-paths",
        question="Are the token ids of a prompt the same in training and at inference?",
        how="print(train_ids[:40])\nprint(tokenizer.apply_chat_template(messages, add_generation_prompt=True)[:40])",
        minutes=3,
        yes={
            "chat-template-mismatch": 0.05,
            "bos-mismatch": 0.08,
            "foreign-special-tokens": 0.4,
            "export-conversion-mismatch": 0.4,
        },
        otherwise=0.93,
        answered_by=("token-ids-differing-between-tools",),
    ),
    DecidingTest(
        slug="largest-token-id",
        question="Is every token id below the number of embedding rows?",
        how="print(max(int(b['input_ids'].max()) for b in loader), model.get_input_embeddings().num_embeddings)",
        minutes=2,
        yes={"tokenizer-vocabulary-mismatch": 0.1, "uninitialised-new-token-embeddings": 0.8},
        otherwise=0.98,
        answered_by=("token-id-beyond-vocabulary",),
    ),
    DecidingTest(
        slug="rows-on-both-sides",
        question="Do evaluation rows occur in the training data?",
        how="print(len({hash(r) for r in train_texts} & {hash(r) for r in eval_texts}), len(eval_texts))",
        minutes=3,
        yes={"train-eval-leakage": 0.93, "duplicate-samples": 0.4},
        otherwise=0.05,
        answered_by=("split-overlap",),
    ),
    DecidingTest(
        slug="reread-random-rows",
        question="Do 20 random training rows read as you would want the model to answer?",
        how="for r in random.sample(rows, 20): print(r)",
        minutes=5,
        yes={"corrupt-input-data": 0.3, "mojibake-text": 0.03, "empty-answers": 0.3, "duplicate-samples": 0.4},
        otherwise=0.9,
    ),
    DecidingTest(
        slug="inputs-are-finite",
        question="Does the failure repeat at the same samples in another order, or are cached inputs non-finite?",
        how="print([i for i, x in enumerate(dataset) if not torch.isfinite(torch.as_tensor(x['input'])).all()])",
        minutes=5,
        yes={"corrupt-input-data": 0.9, "empty-answers": 0.6, "truncated-answers": 0.5},
        otherwise=0.04,
    ),
    DecidingTest(
        slug="packed-against-single",
        question="Is the summed loss of two rows packed together the sum of their losses apart?",
        how="print(loss(a) * len_a + loss(b) * len_b, loss(packed) * (len_a + len_b))",
        minutes=5,
        yes={"packing-contamination": 0.05},
        otherwise=0.95,
        requires=("packed-sequences",),
        answered_by=("loss-differing-with-packing",),
    ),
    DecidingTest(
        slug="order-of-the-rows",
        question="Are consecutive batches drawn from all sources?",
        how="print([row['source'] for row in itertools.islice(dataset, 200)])",
        minutes=3,
        yes={"unshuffled-data": 0.05},
        otherwise=0.95,
        answered_by=("blocked-sources",),
    ),
)

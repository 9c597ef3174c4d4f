"""The families of causes: what part of a fine-tune each of them is about."""

from __future__ import annotations

FAMILIES = {
    "numeric-precision": "Numeric precision and optimizer arithmetic",
    "kernels-and-backends": "Kernels, masks and backends",
    "loss-definition": "Loss definition and normalisation",
    "supervised-tokens": "Which tokens are supervised",
    "tokens-and-templates": "Special tokens, templates and vocabulary",
    "trainable-parameters": "What is trained",
    "optimisation": "Learning rate and optimisation",
    "state-and-parallelism": "Resume, weights and parallelism",
    "data": "Data",
    "merge-and-export": "Merge and export",
    "throughput": "Throughput",
    "evaluation-and-reporting": "Evaluation and reporting",
    "healthy-explanation": "Healthy explanations",
    "undetermined": "Undetermined",
}
"""Titles by slug, in the order in which lists show them."""

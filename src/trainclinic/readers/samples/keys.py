"""Names that people give to the parts of a generated sample."""

from __future__ import annotations

import re

_OUTPUT = """output response completion generated generation generated_text prediction predict predicted pred
    model_output output_text generated_response model_response reply decoded completion_text generated_output
    model_answer    generated_answer model_completion resps filtered_resps answer sample text"""
_PROMPT = "prompt instruction input question query context source prompt_text user_input full_prompt messages"
_REFERENCE = """reference label target expected gold ground_truth labels reference_output expected_output
    expected_answer    reference_answer gold_answer answer chosen"""
_NEW_TOKENS = """new_tokens num_new_tokens n_new_tokens generated_tokens completion_tokens output_tokens n_tokens
    num_tokens num_generated_tokens output_length n_generated tokens_generated"""
_NAMES_OF_RUNS = (
    "model runtime variant name backend setting checkpoint tag engine mode stage precision format label_name"
)

OUTPUT = tuple(_OUTPUT.split())
PROMPT = tuple(_PROMPT.split())
REFERENCE = tuple(_REFERENCE.split())
NEW_TOKENS = tuple(_NEW_TOKENS.split())
NAMES_OF_RUNS = tuple(_NAMES_OF_RUNS.split())
STOPPED = ("stopped", "finished", "eos", "ended", "stopped_by_eos", "hit_eos", "complete")
REASON = ("finish_reason", "stop_reason", "stopped_by")
PADDING = ("left_pads", "right_pads", "pads", "n_pads", "num_pads", "pad_tokens", "padding", "n_pad", "left_padding")
STEP = ("step", "global_step", "iteration", "iter")
CERTAIN_OUTPUT = frozenset(OUTPUT[3:-5]) - {"generation"}
"""Keys that training data do not have: they name what a model produced."""

FILE_NAMES = re.compile(
    r".*(generat|sample|predict|completion|inference|response|model_?out|outputs?($|[_.-])|eval_?out|gens?($|[_.-])|memory_vs)",
    re.I,
)
"""Stems of files that people give to generated text."""
STORED_DATA = re.compile(
    r"(train|training|sft|raw)?_?(data|dataset|corpus|train|rows|examples)[_.-]\w*(sample|example)s?\b", re.I
)
"""Stems of files with a sample of the training data: nothing in it was generated."""
DATA_NAMES = re.compile(
    r"(^|[_.-])(train|data|dataset|corpus|sft_data|val|dev|test|instructions?|alpaca)([_.-]|$)", re.I
)
"""Stems of files with training data, whose rows look the same."""

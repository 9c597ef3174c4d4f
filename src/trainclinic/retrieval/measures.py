"""How good a ranking is, from the rank of the first passage that answers.

Passages with the same answer count as one, so that each question has one relevant result and the measures are functions
of its rank alone; a library for graded judgements would be larger than the room and say the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures over questions, each 0-1.

    Args:
        questions: How many were asked.
        recall_at_1: Share with an answer in the first place.
        recall_at_5: Share with one among the first 5.
        recall_at_10: Share with one among the first 10.
        mrr_at_10: Mean of 1/rank, 0 beyond 10 (Voorhees 1999).
        ndcg_at_10: Mean of 1/log2(1 + rank), 0 beyond 10: discounted gain with one relevant result, whose ideal is 1
            (Järvelin and Kekäläinen 2002).
    """

    questions: int
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    mrr_at_10: float
    ndcg_at_10: float


def quality(ranks: Sequence[int]) -> Quality:
    """Measures of a search.

    Args:
        ranks: For each question the rank of the first passage that answers it, from 1.
    """
    asked = max(1, len(ranks))
    recall = {depth: sum(rank <= depth for rank in ranks) / asked for depth in (1, 5, 10)}
    return Quality(
        len(ranks),
        recall_at_1=recall[1],
        recall_at_5=recall[5],
        recall_at_10=recall[10],
        mrr_at_10=sum(1 / rank for rank in ranks if rank <= DEPTH) / asked,
        ndcg_at_10=sum(1 / math.log2(1 + rank) for rank in ranks if rank <= DEPTH) / asked,
    )

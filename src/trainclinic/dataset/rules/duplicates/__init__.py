"""Text that stands in the data more than once: rows, answers, lines, passages, and rows on both sides of a split."""

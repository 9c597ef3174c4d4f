"""The order of the rows: blocks, sorted rows, and held-out rows that are unlike the rest."""

"""Whether a few steps learn a few rows, and whether accumulation keeps the gradient."""

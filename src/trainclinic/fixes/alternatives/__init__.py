"""Ways round a problem that are a choice rather than a repair."""

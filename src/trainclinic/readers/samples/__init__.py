"""Generated texts: which parts of a file are prompts, outputs and references."""

"""Mistakes around the training: options without effect, swallowed errors, state that is not restored or saved."""

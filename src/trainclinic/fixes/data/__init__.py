"""Fixes of the rows: what is trained on, in which order, how often, and what is held out."""

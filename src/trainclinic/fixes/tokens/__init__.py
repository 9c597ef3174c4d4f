"""Fixes of special tokens, templates and the vocabulary."""

"""Causes that lie in special tokens, chat templates and the vocabulary."""

"""Tokenizers, special tokens and templates: what the model reads is not what the script means."""

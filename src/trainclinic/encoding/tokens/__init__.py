"""Tokenizers, read from files: folders of models, `tokenizer.json`, the local cache of models, or a stand-in.

It knows ids, characters and special tokens. It does not know rows, and never downloads anything.
"""

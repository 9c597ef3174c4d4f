"""Carrying out the edits that a rule proposes, on the user's own text, with every other character left as it is.

This room knows the syntax tree with its whitespace (through libcst), notebooks and encodings. It does not know why
something is changed, and it never writes a change that does not parse.
"""

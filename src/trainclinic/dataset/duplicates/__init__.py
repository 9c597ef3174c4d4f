"""Rows, lines and passages that stand in the data more than once.

This part knows texts, their digests and their likeness. It does not know samples, files or splits: rows are numbered in
the order in which they are handed in.
"""

"""Fixes of merging, saving and serving."""

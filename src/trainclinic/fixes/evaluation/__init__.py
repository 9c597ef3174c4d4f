"""Fixes of evaluation and logging."""

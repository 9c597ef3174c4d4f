"""Rows and columns of numbers, whatever file they stand in: which column is what, and fast ways to read it."""

"""Mistakes in training loops that a script writes itself."""

"""Causes in what the loss compares and how it is averaged."""

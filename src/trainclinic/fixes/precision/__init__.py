"""Fixes of number formats, loss scaling and what the arithmetic runs on."""

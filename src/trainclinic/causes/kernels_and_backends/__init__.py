"""Causes in attention masks, kernels and the device that computes them."""

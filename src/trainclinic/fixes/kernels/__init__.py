"""Fixes of attention, masks and kernels."""

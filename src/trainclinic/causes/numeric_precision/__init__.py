"""Causes in the precision of weights, activations and updates."""

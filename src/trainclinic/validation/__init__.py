"""Symptoms of a model's weights, losses and outputs: does it work?

This room measures a finished model and judges what it measured. It does not know how the model was trained, or why it
fails.
"""

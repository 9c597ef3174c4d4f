"""Fixes of the learning rate, its schedule, the batch and the update step."""

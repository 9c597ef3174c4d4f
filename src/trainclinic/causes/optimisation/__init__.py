"""Causes that lie in the learning rate, its schedule and the update step."""

"""Symptoms of the losses of a model."""

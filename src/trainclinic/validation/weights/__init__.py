"""Symptoms of the files of a model."""

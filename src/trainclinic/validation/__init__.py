"""Symptoms of a model's outputs.

This room judges what a model writes. It does not know how it was trained.
"""

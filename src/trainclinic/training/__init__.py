"""Runs a recipe.

This room fine-tunes with transformers, TRL and PEFT. It does not know that a doctor exists.
"""

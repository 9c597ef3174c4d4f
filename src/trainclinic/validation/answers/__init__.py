"""Symptoms of the answers of a model, beyond those of any recorded output."""

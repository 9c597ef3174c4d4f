"""Symptoms in the training data under a tokenizer, a template and a length limit.

This room knows what the model would really see. It does not know the model.
"""

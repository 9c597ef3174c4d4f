"""Rows of data as a model gets them: chat template, tokens, labels.

This room knows how a row becomes ids and labels under stated settings, for who judges rows and for who trains on them.
It does not know what is good, and no model.
"""

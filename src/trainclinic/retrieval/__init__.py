"""The same data as a searchable index, and answers with their sources.

This room answers from data. It does not know training.
"""

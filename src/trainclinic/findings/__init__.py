"""Symptoms that are visible in a record: one rule per file, grouped by what is examined.

This room knows what a run shows, with the numbers and their lines. It does not know why: causes are another room's
work.
"""

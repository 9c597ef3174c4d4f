"""What to change, and the files that change it.

This room holds one file per fix: a recipe patch, a script edit or an action, what it treats and what to expect then. It
knows no logs: what it says about a run it takes from probabilities of causes, a recipe and a few measured numbers.
"""

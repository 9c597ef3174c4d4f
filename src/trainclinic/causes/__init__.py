"""From verdict codes to probabilities.

This room weighs verdicts for and against each cause, one file per cause. It sees neither raw numbers nor files.
"""

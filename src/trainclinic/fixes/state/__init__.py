"""Fixes of what a resume restores, what a run starts from, and what several devices share."""

"""Fixes of the pace: what keeps a run from doing as many steps in an hour as the machine can."""

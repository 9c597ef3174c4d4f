"""Numbers that say something else than the run does."""

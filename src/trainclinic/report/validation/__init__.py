"""The report on a finished model."""

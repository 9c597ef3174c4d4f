"""How long rows are."""

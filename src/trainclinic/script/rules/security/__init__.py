"""Mistakes that give away a secret or run the code of others."""

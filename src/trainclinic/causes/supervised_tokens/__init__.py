"""Causes that lie in which tokens are targets: none, too few, or others than meant."""

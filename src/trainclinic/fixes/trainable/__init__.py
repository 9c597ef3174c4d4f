"""Fixes of which parameters are trained."""

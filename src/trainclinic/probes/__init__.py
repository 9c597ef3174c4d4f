"""Symptoms that only a live model shows.

This room asks a loaded model small questions and leaves it, and its random state, as found. It does not see the log.
"""

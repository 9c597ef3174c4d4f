"""Symptoms that stand in a training script.

This room reads scripts by static analysis and never runs them. It does not see the log.
"""

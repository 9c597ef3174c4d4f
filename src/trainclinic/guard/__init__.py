"""Watches a running job.

This room knows live telemetry, and when to stop or roll back. It does not render.
"""

"""Mistakes in how a run is measured while it trains."""

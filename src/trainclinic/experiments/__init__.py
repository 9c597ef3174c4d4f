"""From a hypothesis to short paired runs: confirmed, refuted or inconclusive.

This room runs A/B tests of a cause. It does not render.
"""

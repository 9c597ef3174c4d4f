"""The loss of the training path before any update."""

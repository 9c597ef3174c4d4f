"""ART: numbers that the logger made, not the training."""

"""What carries a loss: rows without targets, answers cut off, masks that are off, padding."""

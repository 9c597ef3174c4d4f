"""What of a batch is scored: read off ids, masks and labels, without running the model."""

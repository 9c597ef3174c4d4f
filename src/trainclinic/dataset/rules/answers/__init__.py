"""What the model is to write: empty, placeholders, refusals, echoes, lengths."""

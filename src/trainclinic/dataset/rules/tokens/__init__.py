"""What rows are as tokens: end tokens that are learned, special tokens where none belong, ids, unknown text."""

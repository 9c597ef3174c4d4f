"""Preference pairs and feedback: sides, prompts, lengths, labels."""

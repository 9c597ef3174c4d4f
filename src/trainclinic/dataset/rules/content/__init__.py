"""What the rows are about: their languages, and what must not be learned: access keys, personal data."""

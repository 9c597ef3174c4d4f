"""The document on training data, and its renderings; it knows nothing of how rows were read or judged."""

"""Whether what is saved is what was trained."""

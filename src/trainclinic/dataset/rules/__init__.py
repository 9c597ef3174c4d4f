"""The rules on training data, one file each, in groups by what they look at."""

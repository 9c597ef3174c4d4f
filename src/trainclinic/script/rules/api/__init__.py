"""Mistakes in how a script calls its libraries: arguments and methods of another version, losses of another shape."""

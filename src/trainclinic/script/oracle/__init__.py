"""What the libraries of a training stack accept: signatures by version, read from their sources.

This package answers whether an argument exists in the version that a project uses, since when, until when, and how the
Trainer calls the methods that scripts override. It reads sources as text and never imports a library. It does not know
what an argument does.
"""

"""The files of a prescription: recipe, script, validation, notebook and plan, each from a template or from plain data.

This package knows how the files look. It does not know which fixes a run needs.
"""

"""The files of a training: Python files, notebooks and launch scripts, read as text with the places of everything.

This package knows encodings, notebook cells, magic lines, command lines, pinned versions, and which file an import
leads to. It does not know what the code means, and it never imports or runs any of it.
"""

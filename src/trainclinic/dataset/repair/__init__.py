"""A cleaned copy of the data, with a log of every row that was changed or left out; the original is never touched.

This package knows what can be mended without a person. It does not know how findings are shown.
"""

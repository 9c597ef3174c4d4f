"""Training-data files to a stream of normalised samples.

This room knows data formats, and the file and line of each sample. It knows no tokens and no quality.
"""

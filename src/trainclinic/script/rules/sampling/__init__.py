"""Mistakes in which rows are trained on, in which order, and which are held out."""

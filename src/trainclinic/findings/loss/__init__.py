"""LOS: levels, shapes and jumps of the training loss."""

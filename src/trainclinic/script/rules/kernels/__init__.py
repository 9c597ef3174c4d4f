"""Rules about attention and compilation: what masks, packing and changing shapes do to the kernels."""

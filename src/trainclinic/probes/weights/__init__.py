"""Which tensors one step reaches and moves."""

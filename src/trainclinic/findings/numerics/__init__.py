"""NUM: numbers that stopped being numbers, and the sizes of gradients and updates."""

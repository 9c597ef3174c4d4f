"""Rules about the number formats that weights, gradients and sums are kept in."""

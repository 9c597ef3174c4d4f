"""Generation: how a script lets its model write, and what it takes from it."""

"""Causes that lie in what is trained: nothing, other parameters, or another objective than meant."""

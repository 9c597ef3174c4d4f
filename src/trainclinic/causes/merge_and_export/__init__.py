"""What happens to a model after its training."""

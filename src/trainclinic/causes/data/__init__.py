"""What the rows hold and in which order they come."""

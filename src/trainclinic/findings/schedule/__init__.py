"""SCH: the learning rate over steps, and resumed histories."""

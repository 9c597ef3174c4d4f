"""How much there is to learn from, and how often the run goes over it."""

"""GEN: texts that the model produced."""

"""Rules about optimizers and schedules: which parameters are updated, in which order, by how much."""

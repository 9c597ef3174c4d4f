"""CMP: two runs of one folder, or two columns of one table, that differ in one thing."""

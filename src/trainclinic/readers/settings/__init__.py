"""Settings of many tools, whatever file they stand in: their names and values in the project's words."""

"""The report for a terminal: readable in 80 columns, without colour, and when piped."""

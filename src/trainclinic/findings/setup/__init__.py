"""SET: settings and log lines that show how the run was set up."""

"""From folders to runs: which files to read, which of them tell of one run, and how their parts become one record."""

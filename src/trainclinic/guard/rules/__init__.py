"""Live rules, one per file: what is wrong with a run while it trains. They do not know why."""

"""Notebooks as they are saved: their cells with what these put out, and the tables that training callbacks draw."""

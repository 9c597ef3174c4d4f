"""Numbers that leave their range in one step."""

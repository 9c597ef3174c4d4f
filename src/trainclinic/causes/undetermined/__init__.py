"""What is said when the evidence decides nothing."""

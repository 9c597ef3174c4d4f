"""SPD: time per step, stalls and memory."""

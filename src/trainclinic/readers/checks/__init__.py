"""What people print when they check a run: previews of labels, token lists, statistics of weights, before and after."""

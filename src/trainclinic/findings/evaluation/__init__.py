"""EVA: the evaluation split against the training loss."""

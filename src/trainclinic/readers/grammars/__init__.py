"""What single lines of console text can mean: rows of numbers, settings, commands. Used by the text formats."""

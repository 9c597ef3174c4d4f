"""Which tokens a script scores, against which outputs; nothing about their text."""

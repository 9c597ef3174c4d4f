"""The vocabulary of the verdict rooms: rules, verdicts, evidence, thresholds, and how rule files are found.

This room knows what every answer looks like and how a catalogue of one-rule files is walked. It knows no rule, no
symptom and no number of its own.
"""

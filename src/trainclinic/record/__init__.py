"""What happened in one training run.

This room knows what a run is: numeric series over steps, facts about its configuration, events, checkpoints and
generated samples, and for each of them the file and line where it was read. It knows no file format, and it has no
opinion: good, bad and suspicious are words of other rooms.
"""

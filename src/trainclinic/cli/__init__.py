"""The command line, one thin file per command.

This room parses options, calls the conductor and prints. It decides nothing about runs.
"""

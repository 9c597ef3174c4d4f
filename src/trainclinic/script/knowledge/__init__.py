"""What a linter must know about models, keys and the defaults of libraries that no signature shows.

Tables with the functions that read them. An entry that is not certain is missing, and a missing entry is an answer of
its own: nothing is guessed. Nothing here looks at a script.
"""

"""What is known about public models, their tokenizers, access keys and the defaults of libraries.

Tables with the functions that read them. An entry that is not certain is missing, and a missing entry is an answer of
its own: nothing is guessed. It does not know who asks: scripts, data or a live model.
"""

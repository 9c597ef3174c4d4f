"""A complete, validated description of a fine-tune as plain data.

This room knows what to train and with which settings. It does not know how to run it.
"""

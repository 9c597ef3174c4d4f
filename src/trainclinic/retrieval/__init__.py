"""The same data as a searchable index, and answers with their sources.

This room knows passages, channels of search with their weights, the score below which the data do not say, and how an
answer is written and quoted. It does not know training, and it never executes what it reads: a document is text.
"""

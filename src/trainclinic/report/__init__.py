"""One document model, and its renderings.

This room turns a diagnosed run into a document and renders it for the terminal, as Markdown, HTML and JSON. It has no
idea how anything was computed, and it reads no file of the user's.
"""

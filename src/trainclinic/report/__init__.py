"""One document model, and its renderings.

This room turns a diagnosed run into a document and renders it for the terminal, as Markdown, HTML and JSON. It does not
know how anything was computed.
"""

"""Chat templates: conversations as the text that the model sees, and which part of it belongs to which turn.

It knows Jinja sources and messages. It does not know tokens; what a template does is asked of the template alone.
"""

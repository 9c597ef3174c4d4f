"""Characters that are damaged, unseen, left over from markup, or written in two ways."""

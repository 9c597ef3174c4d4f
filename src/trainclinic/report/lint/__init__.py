"""What a look at scripts found, as one document and its renderings: for eyes, for programs and for code hosts."""

"""What each section of the document says: one module per section, each a function from measurements to plain values."""

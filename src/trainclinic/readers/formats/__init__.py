"""One file format per file, found by walking this package; formats never import each other."""

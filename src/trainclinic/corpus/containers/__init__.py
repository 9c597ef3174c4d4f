"""One way of holding rows per file, found by walking this package; containers never import each other."""

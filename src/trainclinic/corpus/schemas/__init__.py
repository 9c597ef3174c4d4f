"""One way of writing rows per file, found by walking this package; schemas never import each other."""

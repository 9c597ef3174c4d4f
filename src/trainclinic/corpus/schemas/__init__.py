"""One way of writing rows per file, found by walking this package; a schema imports another only to build on it."""

"""How files hold rows: what cannot be read, what is written in several ways, what most loaders refuse."""

"""Several processes: what each of them does with data, gradients, files and its way out."""

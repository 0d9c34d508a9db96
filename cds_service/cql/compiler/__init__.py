"""ELM to Python closures: one module per family of nodes."""

"""Discovery of landmarks in a heap of photos."""

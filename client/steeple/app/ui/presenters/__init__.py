"""What screens show, and what is done when they are used: plain Python, tested without a window."""

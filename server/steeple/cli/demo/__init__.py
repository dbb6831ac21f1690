"""``steeple demo``: real photographs through the real path, in one command."""

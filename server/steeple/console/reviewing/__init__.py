"""Looks through queries that the server has kept."""

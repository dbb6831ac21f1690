"""One module a schema version; each depends on the one before and on nothing else of Steeple."""

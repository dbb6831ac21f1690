"""The admin console: pages of a server's catalogue for a browser.

It is a client of the server like any other: whatever a page shows or changes goes through :mod:`steeple.client`, and so
through the same scopes, limits, checks and audit log as everybody's calls.
"""

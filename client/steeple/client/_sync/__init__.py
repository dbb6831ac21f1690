# Made from _async/__init__.py by tools/generate_sync_client.py; do not edit.
"""The synchronous client, generated from the asynchronous one."""

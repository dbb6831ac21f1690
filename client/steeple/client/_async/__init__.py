"""The asynchronous client; the synchronous one is generated from it (tools/generate_sync_client.py)."""

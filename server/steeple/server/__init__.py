"""The server: recognition, index, catalogue, ingest and the API in front of them."""

"""Offline packs: the landmarks of a region in one file, which a phone searches by itself."""

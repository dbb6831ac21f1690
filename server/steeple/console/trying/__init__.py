"""Tries photos out: sees what a phone would see."""

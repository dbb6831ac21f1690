"""Migrations of the catalogue's tables, run by :mod:`steeple.server.catalogue.migrate`."""

"""Snapshots of a whole server, for the day on which its data is lost: made while it serves, restored while it does not.

Apart from :mod:`steeple.server.snapshots.swap`, which every use of a data folder needs, modules are imported where they
are used: none of them is needed to serve.
"""

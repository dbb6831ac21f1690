"""Starts the app on Android: python-for-android runs the file of this name."""

import os

# gRPC's own resolver of names reads a file that Android does not have; the system's works everywhere.
os.environ.setdefault("GRPC_DNS_RESOLVER", "native")

from steeple.app.android import connect
from steeple.app.ui.start import make

make(connect()).run()

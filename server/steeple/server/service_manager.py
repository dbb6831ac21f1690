"""What the service manager that started the server is told, by systemd's notification protocol (sd_notify(3))."""

from __future__ import annotations

import logging
import os
import socket
from typing import Final

from steeple.server.logs import facts

log = logging.getLogger(__name__)

_VARIABLE: Final = "NOTIFY_SOCKET"


def notify(*assignments: str) -> bool:
    """Sends assignments, such as ``READY=1``, to where ``NOTIFY_SOCKET`` says; does nothing without one.

    Returns:
        Whether they were sent. A service manager that cannot be reached is logged and no error.
    """
    address = os.environ.get(_VARIABLE, "")
    if not address:
        return False
    name = f"\0{address[1:]}" if address.startswith("@") else address  # Linux's abstract addresses
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.sendto("\n".join(assignments).encode(), name)
    except OSError as error:
        log.warning("the service manager cannot be told", extra=facts(address=address, reason=error))
        return False
    return True

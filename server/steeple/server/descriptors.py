"""File descriptors, of which a process may have a limited number (``ulimit -n``)."""

from __future__ import annotations

import errno
import os
from typing import Final

from steeple.errors import UnavailableError

_USED_UP: Final = {errno.EMFILE, errno.ENFILE}


def check_descriptors() -> None:
    """Returns if this process may open another file.

    Libraries that cannot open one seldom say why.

    Raises:
        UnavailableError: If it may not, for now.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        if error.errno in _USED_UP:
            raise UnavailableError("the server has no file descriptors left; try again shortly") from error

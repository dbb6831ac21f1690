"""``python -m steeple.cli``."""

import sys

from steeple.cli.main import main

sys.exit(main())

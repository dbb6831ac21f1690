"""The command line: ``steeple`` and ``python -m steeple.cli``."""

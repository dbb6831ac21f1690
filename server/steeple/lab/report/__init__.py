"""The report of a run: one HTML file with tables, charts and pictures."""

from steeple.lab.report.page import write_report

__all__ = ["write_report"]

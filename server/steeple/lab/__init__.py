"""The lab: methods of image search, side by side on the same photos, with the same metrics."""

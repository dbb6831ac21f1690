"""Charts as SVG, for the lab and the command line."""

"""Networks of other methods, trained by this project: what Steeple is compared with."""

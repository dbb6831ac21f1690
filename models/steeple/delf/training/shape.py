"""The parts of the DELF network by name, apart from any framework."""

from __future__ import annotations

from typing import Final

DESCRIPTORS: Final = "descriptors"
ATTENTION_HIDDEN: Final = "attention_hidden"
ATTENTION_LOGITS: Final = "attention_logits"

FINE_STRIDE: Final = 8
"""Of the features that fusion leads around the deeper blocks."""

HEAD_SCALE: Final = 1 / 16
"""Of the features that the heads see: those of large norm make steps of the heads' weights large."""

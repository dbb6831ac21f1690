"""Begins a run in a process of its own that pauses at the photo of that number, to be killed there.

python killed_run.py ROOT EXPERIMENT.yaml RUN CACHE PHOTO
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from steeple.lab.cache import FeatureCache
from steeple.lab.experiment import read_experiment
from steeple.lab.runner import run_experiment
from tests.lab.core.stand_ins import Work, stand_ins

parts = stand_ins(Work(pause_at=int(sys.argv[5])))
experiment = read_experiment(Path(sys.argv[2]), parts)
run_experiment(experiment, Path(sys.argv[3]), parts, FeatureCache(Path(sys.argv[4])), lambda *_: None)

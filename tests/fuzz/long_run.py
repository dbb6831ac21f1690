"""Fuzzes the targets with atheris, guided by coverage: ``make fuzz TIME=600``.

Each target runs in a process of its own, which ends with its time or its first finding. What was learnt stays in the
corpus, and the next run goes on from there; an input that shows a defect is kept beside it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

_LONGEST = {"image": 8192}  # bytes of an input; others have at most 2048
_HANGS_AFTER = 20  # seconds for one input
_RSS_LIMIT = 2048  # MiB


def main() -> int:
    """Runs the named targets, or all, in turn; 1 if one of them found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="names of modules in tests/fuzz/targets; none: all")
    parser.add_argument("--time", type=int, default=60, help="seconds for each target")
    parser.add_argument("--corpus", type=Path, required=True, help="folder that keeps what was learnt")
    parser.add_argument("--seed", type=int, default=0, help="of the generator; 0: another each time")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        _fuzz(given.targets[0], given.corpus, given.time, given.seed)
        return 0
    from tests.fuzz.targets import target_names  # noqa: PLC0415 - not before atheris instruments it, inside

    unknown = sorted(set(given.targets).difference(target_names()))
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; there are {', '.join(target_names())}")
    found = [_run(name, given) for name in given.targets or target_names()]
    return int(any(found))


def _run(name: str, given: argparse.Namespace) -> bool:
    """Whether a defect was found."""
    command = [sys.executable, "-m", "tests.fuzz.long_run", name, "--inside", "--time", str(given.time)]
    command += ["--corpus", str(given.corpus), "--seed", str(given.seed)]
    began = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    log = given.corpus / f"{name}.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    runs = re.findall(r"^#(\d+)|stat::number_of_executed_units: (\d+)", log.read_text(encoding="utf-8"), re.MULTILINE)
    count = max((int(number) for pair in runs for number in pair if number), default=0)
    inputs = sum(1 for _ in (given.corpus / name).iterdir())
    verdict = "nothing found" if done.returncode == 0 else f"FOUND SOMETHING (status {done.returncode}), see {log}"
    print(
        f"{name:18} {count:>10,} inputs in {time.monotonic() - began:4.0f} s, {inputs:,} in the corpus: {verdict}",
        flush=True,
    )
    return done.returncode != 0


def _fuzz(name: str, corpus: Path, seconds: int, seed: int) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris  # noqa: PLC0415 - only its own environment has it

    with atheris.instrument_imports(include=["steeple.delf", "steeple.server", "steeple.errors"]):
        from tests.fuzz.targets import load_target  # noqa: PLC0415

        target = load_target(name)
    folder, findings = corpus / name, corpus / f"{name}-findings"
    folder.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (folder / f"seed-{number}").write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST.get(name, 2048)}",
        f"-timeout={_HANGS_AFTER}",
        f"-rss_limit_mb={_RSS_LIMIT}",
        f"-artifact_prefix={findings}/",
        f"-seed={seed}",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder)], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())

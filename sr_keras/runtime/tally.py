"""Processes many photos; a bad one never aborts the run. Reports each result, counts them, prints a summary."""

import collections
import contextlib
import sys
from collections.abc import Generator, Sequence
from typing import NamedTuple

import tqdm

from sr_keras.runtime import signals

# What can become of a photo in every run, in the words of the summary.
DONE_BEFORE, FAILED = "done before", "failed"


class Outcome(NamedTuple):
    """What became of a photo, and the line that tells of it if it needs one."""

    kind: str
    line: str = ""


def run(
    outcomes: Generator[Outcome, None, None], *, num_photos: int, kinds: Sequence[str], ending: str = "", if_stopped: str = ""
) -> int:
    """Does the work that `outcomes` is, until it is done or Ctrl-C comes; returns the process's exit code.

    Args:
        num_photos: how many there are.
        kinds: what can become of a photo besides `DONE_BEFORE` and `FAILED`.
        ending: of the summary.
        if_stopped: what is added to it when Ctrl-C came before the end.
    """
    counts: collections.Counter[str] = collections.Counter()
    with (
        signals.StopRequest() as stop,
        contextlib.closing(outcomes),
        tqdm.tqdm(total=num_photos, unit="photo", disable=None) as bar,
    ):
        for outcome in outcomes:
            counts[outcome.kind] += 1
            if outcome.line:
                bar.write(outcome.line, file=sys.stderr if outcome.kind == FAILED else sys.stdout)
            bar.update()
            if stop:
                break
    told = [f"{counts[kind]} {kind}" for kind in (*kinds, DONE_BEFORE, FAILED) if kind != DONE_BEFORE or counts[kind]]
    of_all = f" of {num_photos}" if counts.total() < num_photos else ""
    print(f"{counts.total()}{of_all} photos: {', '.join(told)}{ending}{if_stopped if stop else ''}")
    return stop.exit_code or (1 if counts[FAILED] else 0)

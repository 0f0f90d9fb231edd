"""What a person sees of `upscale`: a bar, a line for each result, what failed; and the report, which a program reads."""

import argparse
import collections
import contextlib
import dataclasses
import io
import json
import logging
import os
import pathlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tqdm import tqdm

from sr_keras.runtime import files
from sr_keras.runtime.errors import UserError, printable
from sr_keras.upscaling import plan
from sr_keras.upscaling.outcome import JobOutcome
from sr_keras.upscaling.target import Size

if TYPE_CHECKING:
    from sr_keras.inference.upscaler import Upscaler


class Console:
    """What a person sees: a bar on a terminal, a line for each result, and at the end what failed and why."""

    def __init__(self, options: argparse.Namespace, todo: Sequence[plan.Job]) -> None:
        self.failed: list[JobOutcome] = []
        self._counts: collections.Counter[str] = collections.Counter()
        self._options = options
        self._todo = todo
        # Where standard output is the picture, words go elsewhere.
        self._out = sys.stderr if any(job.output is None for job in todo) else sys.stdout
        # `disable=None` draws on terminals only.
        self._bar = tqdm(
            total=len(todo),
            disable=options.quiet or None,
            leave=False,
            dynamic_ncols=True,
            bar_format="{l_bar}{bar}| {n:.2f} of {total} [{elapsed}<{remaining}{postfix}]",
        )
        self._shares: dict[plan.Job, float] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._bar.close()
        if isinstance(error, KeyboardInterrupt):
            self._tell_stopped()

    def within(self, job: plan.Job, share: float) -> None:
        """Called from several threads while a photo is computed."""
        with self._lock:
            self._shares[job] = share
            self._bar.set_postfix_str(printable(job.name), refresh=False)
            self._advance()

    def count(self, outcome: JobOutcome) -> None:
        """Called from several threads as soon as a job has ended."""
        with self._lock:
            self._shares.pop(outcome.job, None)
            self._counts[outcome.status] += 1
            self._advance()  # for those that no share was told of

    def tell_outcome(self, outcome: JobOutcome) -> None:
        """Of each job, once it is counted."""
        if outcome.status == "failed":
            self.failed.append(outcome)
        elif outcome.status == "skipped":
            self.tell(f"{outcome.job.name}: skipped, {outcome.reason}")
        else:
            seconds = "" if outcome.seconds is None else f", {outcome.seconds:.1f} s"
            self.tell(
                f"{_sized(outcome.job.name, outcome.size)} -> {_sized(outcome.job.result_name, outcome.result_size)}"
                f"{seconds}{_chosen(outcome)}"
            )
            for note in outcome.notes:
                self.tell(f"{outcome.job.name}: {note}")

    def _advance(self) -> None:
        self._bar.update(sum(self._counts.values()) + sum(self._shares.values()) - self._bar.n)

    def tell_upscaler(self, upscaler: "Upscaler") -> None:
        if self._options.verbose:
            self.tell(described(upscaler))

    def tell_end(self) -> None:
        several = sum(self._counts.values()) > 1
        if several:
            statuses = ("planned" if self._options.dry_run else "done", "skipped", "failed")
            self.tell(", ".join(f"{self._counts[status]} {status}" for status in statuses))
        for outcome in self.failed:
            with contextlib.suppress(OSError):
                print(printable(f"{'failed' if several else self._options.prog}: {outcome.reason}"), file=sys.stderr)

    def _tell_stopped(self) -> None:
        """How far it came, and how it goes on."""
        if len(self._todo) > 1:
            # With --overwrite, what is there may be from before.
            how = "" if self._options.overwrite else "; with --skip_existing, the same command goes on"
            line = f"stopped: {self._counts['done']} of {len(self._todo)} done{how}"
        elif self._todo[0].is_film:
            return  # says so itself
        else:
            line = "stopped: no result was written"
        with contextlib.suppress(OSError):
            print(f"{self._options.prog}: {line}", file=sys.stderr)

    def tell(self, line: str) -> None:
        if self._options.quiet or self._out.closed:
            return
        # Whoever reads this may stop reading; the photos are still wanted.
        with contextlib.suppress(OSError), tqdm.external_write_mode(file=self._out):
            print(printable(line), file=self._out, flush=True)


def described(upscaler: "Upscaler") -> str:
    """How it computes, in words."""
    parts = f"tiles of {upscaler.tile} pixels" if upscaler.has_tiles else "strips of the whole width"
    why = f" ({upscaler.why_engine})" if upscaler.why_engine else ""
    return f"{upscaler.device or 'CPU'}: {upscaler.engine}, {upscaler.precision}, {parts}{why}"


def speak_plainly() -> None:
    """Warnings are lines on standard error; a name that is no valid text, or none in this terminal's, is shown as it can be."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("sr_keras")
    logger.handlers, logger.propagate = [handler], False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def report(path: pathlib.Path | None) -> Iterator[Callable[[JobOutcome], None]]:
    """Yields a function that adds an outcome to the report, as a line of JSON."""
    if path is None:
        yield lambda outcome: None
        return

    def add(outcome: JobOutcome) -> None:
        fields = dataclasses.asdict(outcome)
        del fields["job"]
        names = {"source": outcome.job.name, "result": outcome.job.result_name}
        try:
            os.write(file, (json.dumps(names | fields) + "\n").encode())
        except OSError as error:
            raise UserError(f"{path}: {files.reason(error)}") from None

    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(f"{path}: {files.reason(error)}") from None
    try:
        yield add
    finally:
        os.close(file)


def _sized(name: str, size: Size | None) -> str:
    return f"{name} ({size[0]}x{size[1]})" if size else name


def _chosen(outcome: JobOutcome) -> str:
    return f", {outcome.network} ({outcome.why})" if outcome.why else ""

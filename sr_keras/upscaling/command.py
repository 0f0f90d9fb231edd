"""The command that upscales: from its options to what is done with them."""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Literal

from PIL import Image

from sr_keras.inference import engine, model_info
from sr_keras.photos import rgb
from sr_keras.runtime import command_line, store
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import batch, choice, dry_run, film_options, films, loading, numbered, plan, result_names, search
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.cluster import machines
from sr_keras.upscaling.console import Console, report, speak_plainly
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.options import parse
from sr_keras.upscaling.outcome import JobOutcome
from sr_keras.upscaling.target import Target

# Told of each outcome as soon as it is known, by whichever thread.
Ended = Callable[[JobOutcome], None]


def main(argv: Sequence[str] | None = None, prog: str = "upscale.py") -> int:
    command_line.open_closed_streams()
    options = parse(argv, prog)
    speak_plainly()
    code = command_line.run(prog, lambda: _run(options))
    if batch.is_stuck() or machines.is_stuck():
        os._exit(code)  # Python would wait for it
    return code


def _run(options: argparse.Namespace) -> int:
    target = _target(options, _model_info(options))
    passed_over: list[str] = []
    found = search.find(options.photos, list_file=options.list, recursive=options.recursive, tell=passed_over.append)
    suffix = f".{options.format}" if options.format else None
    todo = plan.plan(
        found,
        label=target.label,
        output=options.output,
        output_dir=options.output_dir,
        suffix=suffix,
        name=result_names.Template(options.name) if options.name else None,
        film_suffix=film_options.suffix_of(options),
        skip_results=options.skip_existing,
    )
    film_options.refuse_contradictions(options, todo)
    _refuse_side_files(options, todo)
    console = Console(options, todo)
    for line in passed_over:
        console.tell(line)
    batch_options = BatchOptions(
        target,
        suffix,
        options.quality,
        None if options.depth == "auto" else int(options.depth),
        all_frames=options.all_frames,
        enlarging=EnlargingOptions(
            self_ensemble=options.self_ensemble,
            alpha=options.alpha,
            wrap=None if options.wrap == "auto" else options.wrap,
            limit=options.limit,
            pixel_art=options.pixel_art,
            normals=options.data == "normals",
        ),
        strip=options.strip,
        max_pixels=options.max_pixels,
        existing=_existing(options),
        standard_input=b"" if all(job.source for job in todo) else _standard_input(),
    )
    return _upscale(todo, batch_options, options, console)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise UserError("standard input is closed")
    return sys.stdin.buffer.read()


def _upscale(todo: Sequence[plan.Job], batch_options: BatchOptions, options: argparse.Namespace, console: Console) -> int:
    # Each picture's size and its result's are held against --max_pixels before anything is decoded. This is Pillow's own limit,
    # of twice as much, for pictures within pictures, as icons have them.
    Image.MAX_IMAGE_PIXELS = options.max_pixels
    estimate = dry_run.Estimate(self_ensemble=options.self_ensemble)
    with console, report(options.report) as add:

        def ended(outcome: JobOutcome) -> None:
            add(outcome)
            console.count(outcome)

        if options.dry_run:
            running = _each(_planned(todo, batch_options, options, console, estimate), ended)
        elif options.cluster is not None:
            running = _each(_on_cluster(todo, batch_options, options, console), ended)
        else:
            running = _here(todo, batch_options, options, console, ended)
        with contextlib.closing(running):
            for outcome in running:
                console.tell_outcome(outcome)
        if seconds := estimate.seconds():
            console.tell(f"about {_duration(seconds)} on this machine")
    console.tell_end()
    if options.comparison and not options.dry_run and not console.failed:
        console.tell(_write_comparison(options, todo[0]))
    return 1 if console.failed else 0


def _each(outcomes: Generator[JobOutcome, None, None], ended: Ended) -> Generator[JobOutcome, None, None]:
    """The same outcomes, of which each is told first."""
    with contextlib.closing(outcomes):
        for outcome in outcomes:
            ended(outcome)
            yield outcome


def _here(
    todo: Sequence[plan.Job],
    batch_options: BatchOptions,
    options: argparse.Namespace,
    console: Console,
    ended: Ended,
) -> Generator[JobOutcome, None, None]:
    """On this machine: first photos, then folders of numbered frames, then films."""
    choosers = _choosers(options, console)
    for jobs, decided in _pictures(todo, choosers, console):
        yield from batch.run(jobs, decided, batch_options, console.within, ended)
    of_film = film_options.options_of(options)
    of_films = films.run([job for job in todo if job.is_film], choosers, batch_options, of_film, console.within)
    yield from _each(of_films, ended)


def _planned(
    todo: Sequence[plan.Job],
    batch_options: BatchOptions,
    options: argparse.Namespace,
    console: Console,
    estimate: dry_run.Estimate,
) -> Generator[JobOutcome, None, None]:
    """A dry run: the same files in the same order."""
    choosers, of_film = _choosers(options, console), film_options.options_of(options)
    for jobs, decided in _pictures(todo, choosers, console):
        yield from dry_run.run(jobs, decided, batch_options, of_film, estimate)
    yield from dry_run.run([job for job in todo if job.is_film], choosers, batch_options, of_film, estimate)


def _choosers(options: argparse.Namespace, console: Console) -> list[choice.Choose]:
    network = _network_options(options)
    return [loading.chooser(network, device, console.tell_upscaler) for device in engine.devices(options.engine)]


def _pictures(
    todo: Sequence[plan.Job], choosers: Sequence[choice.Choose], console: Console
) -> Iterator[tuple[Sequence[plan.Job], Sequence[choice.Choose]]]:
    """Yields photos, and each folder of numbered frames, with what chooses their networks."""
    pictures = [job for job in todo if not job.is_film]
    apart = {job.numbered: [each for each in pictures if each.numbered == job.numbered] for job in pictures}
    for folder, jobs in sorted(apart.items(), key=lambda item: item[0] is not None):
        if folder is not None:
            _tell_numbered(folder, jobs, console)
        yield jobs, numbered.decided_once(choosers) if folder else choosers


def _on_cluster(
    todo: Sequence[plan.Job], batch_options: BatchOptions, options: argparse.Namespace, console: Console
) -> Generator[JobOutcome, None, None]:
    """On the machines of a Ray cluster."""
    from sr_keras.upscaling.cluster import run, worker

    for folder in dict.fromkeys(job.numbered for job in todo if job.numbered):
        _tell_numbered(folder, [job for job in todo if job.numbered == folder], console)
    network = _network_options(options).for_another_machine()
    work = worker.Work(batch_options, network, film_options.options_of(options), verbose=options.verbose)
    yield from run.outcomes(todo, work, address=options.cluster, num_workers=options.workers, tell=console.tell)


def _tell_numbered(folder: pathlib.Path, jobs: Sequence[plan.Job], console: Console) -> None:
    frames = [job.source for job in jobs if job.source]
    result = jobs[0].output
    assert result is not None  # standard output takes one picture
    for line in numbered.describe(folder, frames, result.parent).splitlines():
        console.tell(line)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def _network_options(options: argparse.Namespace) -> loading.NetworkOptions:
    return loading.NetworkOptions(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(loading.NetworkOptions)}
    )


def _refuse_side_files(options: argparse.Namespace, todo: Sequence[plan.Job]) -> None:
    """Nothing of a user's may be lost to what is written beside the results."""
    taken = {store.place(path) for job in todo for path in (job.source, job.output) if path}
    taken |= {store.place(options.list)} if options.list else set()
    for path in filter(None, (options.report, options.comparison)):
        if store.place(path) in taken:
            raise UserError(f"{path}: is a photo, a result or the list")
    if options.comparison:
        paths = [path for job in todo for path in (job.source, job.output) if path and not isinstance(path, store.StorePath)]
        if len(todo) != 1 or len(paths) != 2 or todo[0].is_film:
            raise UserError("--comparison takes one photo and one result, both of them files")
        rgb.require_writable(options.comparison, height=1, width=1)
        if options.comparison.exists() and not options.overwrite:
            raise UserError(f"{options.comparison}: exists already; --overwrite replaces it")
    if any(job.output is None and job.is_film for job in todo):
        raise UserError("a film's result must be a file, not standard output")
    if any(job.output is None for job in todo) and options.cluster is not None:
        raise UserError("--cluster: the machines write files, not standard output; --output=FILE")
    if any(job.output is None for job in todo) and sys.stdout.isatty():
        raise UserError("standard output is a terminal, which shows no pictures; --output=FILE")


def _model_info(options: argparse.Namespace) -> model_info.ModelInfo:
    """Of the network that enlarges: what is wrong with it is said before any file is looked at."""
    is_auto = options.model == model_info.AUTO
    model = model_info.find_model(model_info.ENLARGING) if is_auto else options.model
    info = model_info.read_info(model_info.newest_version(model))
    if options.denoise < 1 and not is_auto:
        model_info.require_strength(info, model)
    return info


def _target(options: argparse.Namespace, info: model_info.ModelInfo) -> Target:
    if options.width or options.height:
        return Target(width=options.width, height=options.height)
    return Target(scale=options.scale or info.scale)


def _existing(options: argparse.Namespace) -> Literal["fail", "skip", "overwrite"]:
    if options.overwrite:
        return "overwrite"
    return "skip" if options.skip_existing else "fail"


def _write_comparison(options: argparse.Namespace, job: plan.Job) -> str:
    from sr_keras.evaluation import drawing  # matplotlib takes a while to import

    assert job.source is not None and job.output is not None  # `_refuse_side_files` saw to that
    photo, sr = rgb.read_photo(job.source), rgb.read_photo(job.output)
    bicubic = rgb.resize_bicubic(photo, *sr.shape[:2])
    rgb.write_photo(options.comparison, drawing.side_by_side({"bicubic": bicubic, "ours": sr}))
    return f"side by side: {options.comparison}"

"""The command that upscales: from its options to what is done with them."""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import sys
import time
from collections.abc import Generator, Sequence
from typing import Literal

import numpy as np
from PIL import Image

from sr_keras.inference import engine, model_info
from sr_keras.photos import picture, picture_reader, rgb
from sr_keras.runtime import command_line, store
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import batch, films, loading, numbered, plan, result_names, search
from sr_keras.upscaling.cluster import machines
from sr_keras.upscaling.console import Console, report, speak_plainly
from sr_keras.upscaling.frame_run import EnlargingOptions, PhotoUpscaler
from sr_keras.upscaling.options import parse
from sr_keras.upscaling.target import Size, Target, work


def main(argv: Sequence[str] | None = None, prog: str = "upscale.py") -> int:
    command_line.open_closed_streams()
    options = parse(argv, prog)
    speak_plainly()
    code = command_line.run(prog, lambda: _run(options))
    if batch.is_stuck() or machines.is_stuck():
        os._exit(code)  # Python would wait for it
    return code


def _run(options: argparse.Namespace) -> int:
    target = _target(options)
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
        film_suffix=films.suffix_of(options),
        skip_results=options.skip_existing,
    )
    _refuse_side_files(options, todo)
    console = Console(options, todo)
    for line in passed_over:
        console.tell(line)
    if options.dry_run:
        return _tell_plan(todo, target, options, console)
    batch_options = batch.BatchOptions(
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


def _upscale(todo: Sequence[plan.Job], batch_options: batch.BatchOptions, options: argparse.Namespace, console: Console) -> int:
    # Each picture's size and its result's are held against --max_pixels before anything is decoded. This is Pillow's own limit,
    # of twice as much, for pictures within pictures, as icons have them.
    Image.MAX_IMAGE_PIXELS = options.max_pixels
    running = (_on_cluster if options.cluster is not None else _here)(todo, batch_options, options, console)
    with console, report(options.report) as add, contextlib.closing(running):
        for outcome in running:
            console.after(outcome)
            add(outcome)
    console.tell_end()
    if options.comparison and not console.failed:
        console.tell(_write_comparison(options, todo[0]))
    return 1 if console.failed else 0


def _here(
    todo: Sequence[plan.Job], batch_options: batch.BatchOptions, options: argparse.Namespace, console: Console
) -> Generator[batch.JobOutcome, None, None]:
    """On this machine: first photos, then folders of numbered frames, then films."""
    network = _network_options(options)
    choosers = [loading.chooser(network, device, console.tell_upscaler) for device in engine.devices(options.engine)]
    pictures = [job for job in todo if not job.is_film]
    apart = {job.numbered: [each for each in pictures if each.numbered == job.numbered] for job in pictures}
    for folder, jobs in sorted(apart.items(), key=lambda item: item[0] is not None):
        if folder is not None:
            _tell_numbered(folder, jobs, console)
        yield from batch.run(jobs, numbered.decided_once(choosers) if folder else choosers, batch_options, console.within)
    film_options = films.options_of(options)
    yield from films.run([job for job in todo if job.is_film], choosers, batch_options, film_options, console.within)


def _on_cluster(
    todo: Sequence[plan.Job], batch_options: batch.BatchOptions, options: argparse.Namespace, console: Console
) -> Generator[batch.JobOutcome, None, None]:
    """On the machines of a Ray cluster."""
    from sr_keras.upscaling.cluster import run, worker

    _tell_all_numbered(todo, console)
    network = _network_options(options).for_another_machine()
    work = worker.Work(batch_options, network, films.options_of(options), verbose=options.verbose)
    yield from run.outcomes(todo, work, address=options.cluster, num_workers=options.workers, tell=console.tell)


def _tell_all_numbered(todo: Sequence[plan.Job], console: Console) -> None:
    for folder in dict.fromkeys(job.numbered for job in todo if job.numbered):
        _tell_numbered(folder, [job for job in todo if job.numbered == folder], console)


def _tell_numbered(folder: pathlib.Path, jobs: Sequence[plan.Job], console: Console) -> None:
    frames = [job.source for job in jobs if job.source]
    result = jobs[0].output
    assert result is not None  # standard output takes one picture
    for line in numbered.describe(folder, frames, result.parent).splitlines():
        console.tell(line)


def _tell_plan(todo: Sequence[plan.Job], target: Target, options: argparse.Namespace, console: Console) -> int:
    """A dry run: what would be done, how long it would take about, and what can't be read."""
    _tell_all_numbered(todo, console)
    sizes: dict[plan.Job, Size] = {}
    frames: dict[plan.Job, int] = {}
    problems: dict[plan.Job, str] = {}
    for job in todo:
        try:
            if job.problem:
                raise rgb.PhotoError(job.problem)
            if job.is_film:
                sizes[job], frames[job] = films.read_size(job, target, films.options_of(options))
            elif job.source:
                sizes[job] = picture_reader.read_size(job.source)
            if job in sizes:
                batch.require_size(job, target, [sizes[job]], options.max_pixels)
        except UserError as error:
            problems[job] = batch.unfinished(job, error).reason
    console.tell_plan(todo, {job: (size, target.size(*size)) for job, size in sizes.items()}, problems)
    if sizes and not options.pixel_art:
        upscaler = loading.chooser(_network_options(options), None, console.tell_upscaler)(
            picture.Picture((Image.new("RGB", (8, 8)),))
        ).upscaler
        pixels = sum(frames.get(job, 1) * work(size, target, upscaler.scale) for job, size in sizes.items())
        console.tell(f"about {_duration(pixels * _seconds_per_pixel(upscaler, options.self_ensemble))} on this machine")
    return 1 if problems else 0


def _seconds_per_pixel(upscaler: PhotoUpscaler, self_ensemble: bool) -> float:
    """Of a small photo, once the network has computed one of its size."""
    photo = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    seconds = 0.0
    for _ in range(2):
        begun = time.monotonic()
        upscaler.upscale_to(lambda y, x, tile: None, photo, self_ensemble=self_ensemble, progress=lambda share: None)
        seconds = time.monotonic() - begun
    return seconds / photo[..., 0].size


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


def _target(options: argparse.Namespace) -> Target:
    if options.width or options.height:
        return Target(width=options.width, height=options.height)
    model = model_info.find_model(model_info.ENLARGING) if options.model == model_info.AUTO else options.model
    return Target(scale=options.scale or model_info.read_info(model_info.newest_version(model)).scale)


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

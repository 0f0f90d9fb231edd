"""Makes every photo of a folder RGB, once, before training: python data_prep/convert_rgb.py DIR --output_dir=FOLDER

Greyscale, palette, CMYK and transparent photos become RGB JPEG. A photo that is RGB already is not touched; one that can't be
converted is named, counted and left alone. In place, so is one that would lose more than a JPEG loses.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import io
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from PIL import Image

from sr_keras.photos import folder, rgb
from sr_keras.runtime import argument_types, files, parallel, tally
from sr_keras.runtime.tally import Outcome

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})

# What can become of a photo beside what `tally` has, in the words of the summary.
CONVERTED, RGB_ALREADY, LEFT_ALONE = "converted", "already RGB", "left alone"

# Held while a photo is in hand.
_at_work = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Task:
    """One photo and where it goes.

    Attributes:
        source: the photo.
        kept: its place if it is RGB already; `source` itself when converting in place.
        converted: its place as an RGB JPEG.
        rival: name of a photo beside it that differs in the suffix alone, so that both may want one new name.
    """

    source: pathlib.Path
    kept: pathlib.Path
    converted: pathlib.Path
    rival: str | None

    @property
    def renamed(self) -> bool:
        return self.converted.name != self.source.name


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    try:
        found = find(options.dir, options.output_dir)
        tasks = plan(options.dir, found.photos, options.output_dir)
    except OSError as error:
        print(f"convert_rgb.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"convert_rgb.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if found.passed_over:
        print(f"{options.dir}: {found}", file=sys.stderr)
    return run(tasks, jobs=options.jobs, dry_run=options.dry_run, lossy=options.lossy)


def find(root: pathlib.Path, output_dir: pathlib.Path | None = None) -> folder.Found:
    """Lists the photos below `root`.

    Raises:
        ValueError: a folder is none, or one of the two lies inside the other.
        OSError: a folder below `root` can't be read.
    """
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder")
    if output_dir is not None:
        _require_apart(root, output_dir)
    return folder.find(root)


def plan(root: pathlib.Path, photos: Sequence[pathlib.Path], output_dir: pathlib.Path | None = None) -> list[Task]:
    """Settles where each photo below `root` goes before any of them moves."""
    alike = collections.defaultdict(list)
    for photo in photos:
        alike[_without_suffix(photo)].append(photo.name)
    tasks = []
    for photo in photos:
        kept = photo if output_dir is None else output_dir / photo.relative_to(root)
        converted = kept if kept.suffix.lower() in JPEG_SUFFIXES else kept.with_suffix(".jpg")
        rival = next((name for name in alike[_without_suffix(photo)] if name != photo.name), None)
        tasks.append(Task(photo, kept, converted, rival))
    return tasks


def run(tasks: Sequence[Task], *, jobs: int, dry_run: bool, lossy: bool) -> int:
    """Converts the photos, reports each result, and returns the process's exit code."""
    ending = " (dry run: nothing was changed)" if dry_run else ""
    may_leave_alone = not lossy and any(task.kept == task.source for task in tasks)
    kinds = [CONVERTED, RGB_ALREADY, *([LEFT_ALONE] if may_leave_alone else [])]
    return tally.run(_outcomes(tasks, jobs, dry_run, lossy), num_photos=len(tasks), kinds=kinds, ending=ending)


def convert(task: Task, *, dry_run: bool, lossy: bool) -> Outcome:
    """Brings one photo to its place; never raises, so that no photo ends the run."""
    with _at_work:
        try:
            kind = _convert(task, dry_run, lossy)
        except rgb.PhotoError as error:
            return Outcome(tally.FAILED, str(error))
        # Decoders raise whatever they stumble over.
        except Exception as error:
            return Outcome(tally.FAILED, f"{task.source}: {files.reason(error)}")
    if kind == LEFT_ALONE:
        return _told(kind, f"{task.source}: left alone, a JPEG would lose {lost_in_jpeg(task.source)}; --lossy converts it")
    if not dry_run or kind != CONVERTED:
        return Outcome(kind)
    return _told(kind, f"{task.source}: would become {task.converted}")


def lost_in_jpeg(path: pathlib.Path) -> str:
    """What an RGB JPEG of a photo would lose beyond what JPEG always loses; "" for nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in rgb_jpeg
        with Image.open(path) as picture:
            losses = {
                "other frames or pages": getattr(picture, "n_frames", 1) > 1,
                "transparency": picture.has_transparency_data,
                "16-bit tones": picture.mode.startswith("I"),
            }
    return " and ".join(name for name, is_lost in losses.items() if is_lost)


def _told(kind: str, line: str) -> Outcome:
    # A file's name may be no valid text, and standard output refuses that.
    return Outcome(kind, os.fsencode(line).decode(errors="backslashreplace"))


def rgb_jpeg(path: pathlib.Path) -> bytes | None:
    """The photo as an RGB JPEG without metadata, rotated as its EXIF orientation says; None if it is RGB already.

    Raises:
        PhotoError: the photo is damaged, has no defined RGB, or is too large for a JPEG.
    """
    with warnings.catch_warnings():
        # Pillow warns of large pictures and odd metadata; neither keeps a photo from being read.
        warnings.simplefilter("ignore")
        # Reads all of it: what is RGB by its header may be damaged behind it.
        photo = rgb.read_photo(path)
        with Image.open(path) as picture:
            if picture.mode == "RGB" and not picture.has_transparency_data:
                return None
    rgb.require_writable(path.with_suffix(".jpg"), *photo.shape[:2])
    jpeg = io.BytesIO()
    # An array has no metadata: the orientation would be applied twice, and a CMYK profile spoil the colours.
    Image.fromarray(photo).save(jpeg, format="JPEG", **rgb.SAVE_OPTIONS)
    return jpeg.getvalue()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="convert_rgb.py",
        description="Converts greyscale, palette, CMYK and transparent photos below DIR to RGB JPEG, in place. Photos that are "
        "RGB already are left as they are, byte for byte. EXIF orientation is applied; transparent becomes white.",
        epilog="Exit code: 0 all is well, 1 photos failed (each is named and left alone), 2 wrong use, 130 stopped by Ctrl-C.",
    )
    parser.add_argument(
        "dir", metavar="DIR", type=pathlib.Path, help=f"folder of photos: {' '.join(sorted(rgb.PHOTO_SUFFIXES))}"
    )
    parser.add_argument(
        "--output_dir",
        metavar="FOLDER",
        type=pathlib.Path,
        help="write there, into the same subfolders, and change nothing below DIR; photos that are RGB already are copied "
        "byte for byte, so that the folder is complete; what an earlier run wrote there is not written again",
    )
    parser.add_argument(
        "--lossy",
        action="store_true",
        help="in place, also convert what loses more than JPEG's own loss: animations and documents of several pages to their "
        "first one, transparency to white, 16 bits to 8. Without it, such a photo is named and left alone",
    )
    parser.add_argument("--dry_run", action="store_true", help="change nothing; name the photos that would be converted")
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=argument_types.positive_int,
        default=os.cpu_count() or 1,
        help="processes that convert at once (default: %(default)s, the number of CPUs)",
    )
    return parser


def _require_apart(root: pathlib.Path, output_dir: pathlib.Path) -> None:
    if output_dir.exists() and not output_dir.is_dir():
        raise ValueError(f"--output_dir: {output_dir} is not a folder")
    source, output = root.resolve(), output_dir.resolve()
    if source.is_relative_to(output) or output.is_relative_to(source):
        raise ValueError(f"--output_dir: {output_dir} and {root} must not lie inside each other")


def _without_suffix(photo: pathlib.Path) -> tuple[pathlib.Path, str]:
    # Some file systems take A.jpg and a.jpg for one file.
    return photo.parent, photo.stem.casefold()


def _outcomes(tasks: Sequence[Task], jobs: int, dry_run: bool, lossy: bool) -> Generator[Outcome, None, None]:
    convert_task = functools.partial(convert, dry_run=dry_run, lossy=lossy)
    yield from map(convert_task, tasks) if jobs == 1 else _map_in_processes(convert_task, tasks, jobs)


def _map_in_processes(function: Callable[[Task], Outcome], tasks: Iterable[Task], jobs: int) -> Generator[Outcome, None, None]:
    """Like `map`; only a few tasks wait at a time, so that closing it takes one photo's time."""
    # Forking is not safe beside threads, and tqdm has one.
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with_parent)

    def submit(task: Task) -> concurrent.futures.Future[Outcome]:
        with _interrupts_held_back():
            return pool.submit(function, task)

    try:
        yield from parallel.in_order(submit, tasks, ahead=16 * jobs)
    except concurrent.futures.BrokenExecutor:
        yield Outcome(tally.FAILED, "convert_rgb.py: a process was killed, perhaps for lack of memory; try fewer --jobs")
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes started inside never see Ctrl-C: this one stops giving them photos, and they finish those in hand."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Lets this process end after the photo in hand if its parent is killed; it would wait for photos for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        with _at_work:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _convert(task: Task, dry_run: bool, lossy: bool) -> str:
    jpeg = rgb_jpeg(task.source)
    # By the names alone, and in a dry run too: what is refused must not depend on which of the two comes first.
    if jpeg is not None and task.renamed and task.rival:
        raise rgb.PhotoError(f"{task.source}: not made {task.converted.name}, for {task.rival} is beside it")
    if task.kept == task.source:
        is_left_alone = jpeg is not None and not lossy and lost_in_jpeg(task.source)
        return LEFT_ALONE if is_left_alone else _replace(task, jpeg, dry_run)
    return _add(task, jpeg, dry_run)


def _replace(task: Task, jpeg: bytes | None, dry_run: bool) -> str:
    """Puts the JPEG in the photo's place."""
    if jpeg is None:
        return RGB_ALREADY
    if task.renamed and os.path.lexists(task.converted):
        raise rgb.PhotoError(f"{task.source}: not made {task.converted.name}, for that exists")
    if dry_run:
        return CONVERTED
    with files.written_beside(task.converted) as part, part.open("wb") as file:
        file.write(jpeg)
        file.flush()
        # The photo is gone after this, and a power cut must not find the JPEG still on its way to the disk.
        os.fsync(file.fileno())
        shutil.copymode(task.source, part)
    if task.renamed:
        _remove_source(task)
    return CONVERTED


def _remove_source(task: Task) -> None:
    try:
        task.source.unlink()
    except OSError:
        task.converted.unlink()
        raise


def _add(task: Task, jpeg: bytes | None, dry_run: bool) -> str:
    """Adds the JPEG, or the photo itself if that is RGB already, to the output folder."""
    target, content = (task.kept, task.source.read_bytes()) if jpeg is None else (task.converted, jpeg)
    if os.path.lexists(target):
        if target.read_bytes() == content:
            return tally.DONE_BEFORE
        raise rgb.PhotoError(f"{task.source}: {target} exists and is another picture")
    if not dry_run:
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.written_beside(target) as part:
            part.write_bytes(content)
    return CONVERTED if jpeg is not None else RGB_ALREADY


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

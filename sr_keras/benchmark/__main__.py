"""Measures speed on this machine: python -m sr_keras.benchmark upscale [--model=MODEL], engines, or train [--data=FOLDER]

Our way, a plain one and a bare matrix product are timed in one run, in turns. Compare their ratios: seconds depend on the
machine and on what else it does.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, get_args

import psutil

from sr_keras.films import formats
from sr_keras.inference import model_info
from sr_keras.photos import rgb
from sr_keras.runtime import argument_types, command_line, extras, names, processor, quiet_tensorflow
from sr_keras.runtime.errors import UserError

if TYPE_CHECKING:
    from sr_keras.benchmark.training import TrainingSpeed

PROG = "python -m sr_keras.benchmark"

_SCALE = 4

# 98,400 photos in 800 seconds.
_PAPER_PHOTOS_PER_SECOND = 98_400 / 800


def _print_upscale(options: argparse.Namespace) -> None:
    if options.video:
        _print_video(options)
    else:
        _print_photos(options)


def _print_video(options: argparse.Namespace) -> None:
    if not formats.is_available():
        raise UserError(f"--video needs PyAV: {extras.install('video')}")
    from sr_keras.benchmark import films
    from sr_keras.inference.upscaler import Upscaler
    from sr_keras.runtime import precision

    upscaler = Upscaler.load(options.model or model_info.find_model("espcn"), tile=options.tile)
    speed = films.measure(upscaler, num_frames=options.frames, repeats=options.repeats)
    print(
        f"on {precision.devices()}, {psutil.cpu_count()} cores; {options.frames} frames of {films.WIDTH}x{films.HEIGHT}, "
        f"{upscaler.precision}; the fastest of {options.repeats} runs"
    )
    print(f"frames a second: {speed.whole:.1f}; decoding and encoding alone: {speed.files:.1f}; share: {speed.share:.2f}")


def _print_photos(options: argparse.Namespace) -> None:
    from sr_keras.benchmark import upscaling
    from sr_keras.runtime import precision

    folder = model_info.newest_version(options.model or model_info.find_model("edsr"))
    both = dict.fromkeys([precision.resolve_inference("auto"), "float32"])
    rates, speeds, left_out = upscaling.measure(
        folder,
        height=options.size,
        width=options.size,
        engines=[options.engine] if options.engine else ["openvino", "tensorflow"],
        precisions=[options.precision] if options.precision else list(both),
        before=options.before,
        peer_pythons=_peer_pythons(options),
        tile=options.tile,
        repeats=options.repeats,
    )
    print(f"{_machine()}; {folder}; a photo of {options.size}x{options.size} pixels; the fastest of {options.repeats} turns")
    for name, rate in rates.items():
        print(f"the machine's rate, {name}: {rate:.0f} GFLOP/s, the best of several matrix products")
    print(f"{'':28}  s/megapixel  times the first  of the cores  overlap  of the machine  with overlap     MB")
    for speed in speeds:
        overlap = f"{speed.overlap_factor:7.3f}" if speed.overlap_factor else f"{'?':>7}"
        with_overlap = f"{speed.of_machine_with_overlap:12.2f}" if speed.overlap_factor else f"{'?':>12}"
        print(
            f"{f'{speed.name}, {speed.precision}':28}  {speed.seconds_per_megapixel:11.2f}"
            f"  {speed.seconds_per_megapixel / speeds[0].seconds_per_megapixel:15.2f}"
            f"  {speed.core_seconds_per_megapixel:12.2f}  {overlap}"
            f"  {speed.of_machine:14.2f}  {with_overlap}  {speed.memory_mb:5.0f}"
        )
    look = upscaling.seconds_of_looking(options.size, options.size, options.repeats)
    share = look / speeds[0].seconds_per_megapixel
    print(f"looking at the photo first, as --model=auto does: {look:.2f} s/megapixel, {share:.1%} of the first")
    for line in left_out:
        print(line)


def _print_engines(options: argparse.Namespace) -> None:
    from sr_keras.benchmark import engines
    from sr_keras.inference import engine_speeds

    print(
        f"{_machine()}; a photo of {options.size}x{options.size} pixels; "
        f"seconds of all cores to start and for a megapixel, the least of --repeats={options.repeats}"
    )
    for speeds in engines.measure(options.models or engines.of_each_family(), side=options.size, repeats=options.repeats):
        print(f"{speeds.network:12}  {speeds.place.precision:8}  {speeds.in_words()}", flush=True)
        if options.output:
            engine_speeds.write(options.output, [speeds])


def _machine() -> str:
    return f"{processor.name()} with {processor.kind()}, {psutil.cpu_count()} cores"


def _print_train(options: argparse.Namespace) -> None:
    from sr_keras.benchmark import training
    from sr_keras.data import sources
    from sr_keras.networks import generators, srgan
    from sr_keras.runtime import precision

    if options.hr_size % _SCALE:
        raise UserError(f"--hr_size must be a multiple of {_SCALE}, got {options.hr_size}")
    policy = precision.resolve("auto")
    if options.before is not None or options.peers:
        _print_contenders(options, policy)
        return
    found = sources.list_photos(options.data)
    photos = sources.Files([path for path in found if path.lower().endswith((".jpg", ".jpeg"))], options.data)
    if not len(photos):
        raise FileNotFoundError(f"{options.data}: holds no JPEG photo")
    measured = training.train(
        photos,
        lambda: (
            generators.build(options.generator),
            srgan.build_discriminator() if options.generator == "srgan" else None,
        ),
        policy=policy,
        batch_size=options.batch_size,
        hr_size=options.hr_size,
        repeats=options.repeats,
    )
    rows = measured.rows
    print(
        f"{policy} on {precision.devices()}, {psutil.cpu_count()} cores; {_of_training(options)}; "
        f"the fastest of {options.repeats} runs"
    )
    for name, rate in measured.matrix_gflops.items():
        print(f"matrix product, {name}: {rate:.0f} GFLOP/s")
    print(f"{'':24}  s/photo  photos/s  GFLOP/s  of matrix product")
    for name, row in rows.items():
        arithmetic = f"{row.gflops:7.0f}  {row.of_matrix_product:17.2f}" if row.gflops else ""
        print(f"{name:24}  {1 / row.photos_per_second:7.4f}  {row.photos_per_second:8.2f}  {arithmetic}".rstrip())
    for line in _comparisons(rows):
        print(line)
    print(f"resident memory at most with our step alone: {measured.host_mb:.0f} MB")
    if measured.device_mb is not None:
        ours = max(rows[name].photos_per_second for name in (training.OURS, training.OURS_XLA))
        print(f"device memory at most with our step: {measured.device_mb:.0f} MB")
        print(f"photos a second: {ours:.0f}; the paper, on an RTX 3090: {_PAPER_PHOTOS_PER_SECOND:.0f}")


def _print_contenders(options: argparse.Namespace, policy: str) -> None:
    from sr_keras.benchmark import contenders
    from sr_keras.runtime import precision

    arguments = [options.generator, str(options.hr_size), str(options.batch_size), policy]
    with contenders.started(arguments, options.before, _peer_pythons(options)) as (started, left_out):
        print(
            f"{policy} on {precision.devices()}, {psutil.cpu_count()} cores; {_of_training(options)}; "
            f"{options.repeats} steps of each, in turns",
            flush=True,
        )
        times = contenders.measure(started, options.repeats)
    ours = times[contenders.OURS]
    print(f"{'':14}  fastest s/step  median  work of cores  as times ours: fastest  median  work of cores")
    for name, of_step in times.items():
        print(
            f"{name:14}  {of_step.fastest:14.3f}  {of_step.median:6.3f}  {of_step.cores:13.3f}  "
            f"{of_step.fastest / ours.fastest:22.2f}  {of_step.median / ours.median:6.2f}  {of_step.cores / ours.cores:13.2f}"
        )
    for line in left_out:
        print(line)


def _of_training(options: argparse.Namespace) -> str:
    low = options.hr_size // _SCALE
    networks = "srgan with its discriminator" if options.generator == "srgan" else options.generator
    return f"{networks}, batches of {options.batch_size}, {low}x{low} to {options.hr_size}x{options.hr_size}"


def _comparisons(rows: Mapping[str, "TrainingSpeed"]) -> Iterator[str]:
    from sr_keras.benchmark import training

    pairs = [
        (training.OURS, training.PLAIN),
        (training.OURS_XLA, training.OURS),
        (training.PIPELINE, training.BARE),
        (training.PIPELINE, training.BARE_BILINEAR),
        (training.PIPELINE, training.PIPELINE_ONE_CORE),
        (training.PIPELINE, training.OURS),
        (training.PIPELINE_REAL, training.PIPELINE),
        (training.PIPELINE_REAL, training.OURS),
    ]
    for left, right in pairs:
        if left in rows and right in rows:
            yield f"{left} : {right} = {rows[left].photos_per_second / rows[right].photos_per_second:.2f}"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    parser = command_line.Parser(prog=prog, description=__doc__.replace(PROG, prog), epilog=command_line.EXIT_CODES)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    upscale_parser = commands.add_parser("upscale", help="an exported network by each engine, beside others")
    _add_upscale_options(upscale_parser)
    upscale_parser.set_defaults(print_results=_print_upscale)
    engines_parser = commands.add_parser("engines", help="which engine is the fastest on this processor, for what auto goes by")
    _add_engines_options(engines_parser)
    engines_parser.set_defaults(print_results=_print_engines)
    train_parser = commands.add_parser("train", help="the training step of the paper's networks, and the data pipeline")
    _add_train_options(train_parser)
    train_parser.set_defaults(print_results=_print_train)
    for each in (upscale_parser, train_parser):
        _add_peer_options(each)
    for each in (upscale_parser, engines_parser, train_parser):
        _add_repeats_option(each)
    options = parser.parse_args(argv)
    return command_line.run(prog, lambda: _print(options.print_results, options))


def _add_upscale_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m",
        "--model",
        type=lambda text: model_info.find_model(argument_types.name(text)),
        metavar="MODEL",
        help="a name or a folder (edsr; with --video espcn)",
    )
    parser.add_argument(
        "--size", type=argument_types.positive_int, default=512, metavar="PIXELS", help="of the photo's sides (%(default)s)"
    )
    parser.add_argument("--engine", choices=("openvino", "tensorflow"), help="of this build (default: both)")
    parser.add_argument(
        "--precision", choices=("bfloat16", "float32"), help="(default: both, where the processor has bfloat16)"
    )
    parser.add_argument(
        "--before", type=argument_types.name, metavar="COMMIT", help="of this repository, whose build takes part too"
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="also TensorFlow, OpenVINO, ONNX Runtime and PyTorch as others would call them, those that are installed",
    )
    parser.add_argument("--video", action="store_true", help="a film, beside decoding and encoding it alone")
    parser.add_argument(
        "--frames", type=argument_types.positive_int, default=120, metavar="N", help="of the film (%(default)s)"
    )
    parser.add_argument(
        "--tile", type=argument_types.positive_int, metavar="PIXELS", help="tile size (default: as for sr-keras upscale)"
    )


def _add_engines_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "models",
        nargs="*",
        type=argument_types.name,
        metavar="MODEL",
        help="a name or a folder (default: a bundled network of each family)",
    )
    parser.add_argument(
        "--size", type=argument_types.positive_int, default=256, metavar="PIXELS", help="of the photo's sides (%(default)s)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=argument_types.output_file,
        metavar="FILE",
        help="also add what was measured to this file; --engine=auto goes by sr_keras/inference/engine_speeds.json",
    )


def _add_train_options(parser: argparse.ArgumentParser) -> None:
    samples = rgb.SAMPLE / "photos"
    parser.add_argument(
        "--data", type=argument_types.path, default=samples, metavar="FOLDER", help="photos (default: the bundled ones)"
    )
    parser.add_argument(
        "--batch_size", type=argument_types.positive_int, default=8, metavar="N", help="photos in a step (%(default)s)"
    )
    parser.add_argument(
        "--generator",
        choices=get_args(names.Generator),
        default="srgan",
        help="srgan is trained with its discriminator, the others are on pixels (%(default)s)",
    )
    parser.add_argument(
        "--hr_size",
        type=argument_types.positive_int,
        default=256,
        metavar="PIXELS",
        help="side of the HR pictures (%(default)s, the paper's)",
    )
    parser.add_argument(
        "--before",
        type=argument_types.name,
        metavar="COMMIT",
        help="compare the step with that of another build, in turns: a commit of this checkout, or the folder of another one",
    )
    parser.add_argument(
        "--peers", action="store_true", help="compare the step with that of PyTorch and of Keras on JAX, in turns"
    )


def _add_repeats_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repeats",
        type=argument_types.positive_int,
        default=3,
        metavar="N",
        help="timings, of which the fastest counts (%(default)s)",
    )


def _add_peer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--peer_python",
        type=argument_types.name,
        action="append",
        metavar="PYTHON",
        help="where to look for a peer: the Python of an environment that has it; may be given twice (default: this one)",
    )


def _peer_pythons(options: argparse.Namespace) -> list[str]:
    """The interpreters to look in; none where no peers are asked for."""
    return (options.peer_python or [sys.executable]) if options.peers else []


def _print(print_results: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    # Later, because TensorFlow takes seconds to import: --help and wrong options are answered at once.
    with quiet_tensorflow.tensorflow_import():
        import tensorflow as tf
    try:
        print_results(options)
    except tf.errors.ResourceExhaustedError:
        raise UserError("too little memory; try a smaller --batch_size or --tile") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes a network whose features serve as a perceptual loss: python data_prep/feature_model.py --vgg19 OUT.keras

It takes RGB in [0, 1]; the preprocessing of its own training is part of the model. Its layers are looked up by name.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from sr_keras.runtime import files, quiet_tensorflow

with quiet_tensorflow.tensorflow_import():
    from sr_keras.networks import perceptual


def main(argv: Sequence[str]) -> int:
    options = _parse(argv)
    try:
        model = perceptual.vgg19() if options.vgg19 else perceptual.squeezenet(options.squeezenet)
        with files.written_beside(options.out) as part:
            whole = part.with_suffix(".keras")  # Keras wants this ending
            model.save(whole)
            whole.replace(part)
    # Keras raises a bare Exception where a download fails.
    except Exception as error:
        print(f"feature_model.py: {files.reason(error)}", file=sys.stderr)
        return 1
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="feature_model.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 all is well, 1 the model can't be made or written, 2 wrong use.",
    )
    network = parser.add_mutually_exclusive_group(required=True)
    network.add_argument(
        "--squeezenet",
        type=pathlib.Path,
        metavar="FILE.npz",
        help="SqueezeNet 1.1 of these weights: arrays conv1/kernel, conv1/bias, fire2/squeeze1x1/kernel and so on (expand1x1, "
        "expand3x3; up to fire9), of a training on blue, green, red less their means",
    )
    network.add_argument(
        "--vgg19", action="store_true", help="VGG19 of keras.applications, trained on ImageNet; downloads 80 MB, once"
    )
    parser.add_argument("out", type=_keras_file, metavar="OUT.keras", help="the file to write")
    return parser.parse_args(argv)


def _keras_file(text: str) -> pathlib.Path:
    if not text.endswith(".keras"):
        raise argparse.ArgumentTypeError(f"the name must end in .keras, got {text!r}")
    return pathlib.Path(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Mixes the weights of trained networks into a new one: python data_prep/mix_networks.py OUT NETWORK:SHARE NETWORK:SHARE [...]

  python data_prep/mix_networks.py half photo:0.5 photogan:0.5     half of the texture that photogan makes up

That is network interpolation (Wang et al. 2018, ESRGAN, section 3.4). It serves where networks were trained on from one
another, or from the same one. Shares sum up to 1 and may be negative: A:1 B:1 C:-1 adds to A what training made of C in B.
The first network decides the layers: where it is an EDSR of more blocks than another, that one gets more, which change nothing.
"""

import argparse
import dataclasses
import math
import pathlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.inference import model_info
from sr_keras.runtime import argument_types, command_line, quiet_tensorflow
from sr_keras.runtime.errors import UserError


class Part(NamedTuple):
    """A network, by name or folder, and its share of the mixture."""

    network: str
    share: float


def main(argv: Sequence[str] | None = None) -> int:
    prog = "mix_networks.py"
    parser = command_line.Parser(prog=prog, description=__doc__, epilog=command_line.EXIT_CODES)
    parser.add_argument("out", type=argument_types.path, metavar="OUT", help="a new folder")
    parser.add_argument(
        "parts", type=_part, metavar="NETWORK:SHARE", nargs="+", help="a bundled network or the folder of one, and its share"
    )
    options = parser.parse_args(argv)
    return command_line.run(prog, lambda: _mix(options.out, options.parts))


def _part(text: str) -> Part:
    network, _, share = text.rpartition(":")
    try:
        return Part(argument_types.name(network), float(share))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"must be NETWORK:SHARE, such as photo:0.5, got {text!r}") from None


def _mix(out: pathlib.Path, parts: Sequence[Part]) -> int:
    if out.exists():
        raise UserError(f"{out} exists")
    total = sum(part.share for part in parts)
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise UserError(f"shares must sum up to 1, got {total:g}")
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.inference import keras_network, layer_graph, saved_model
        from sr_keras.networks import net2net
    folders = [model_info.newest_version(model_info.find_model(part.network)) for part in parts]
    first = saved_model.load_weights(folders[0])
    mixture = [np.zeros_like(array) for array in first]
    for part, folder in zip(parts, folders, strict=True):
        try:
            fitted = net2net.fitted(saved_model.load_weights(folder), first)
        except ValueError:
            raise UserError(f"{part.network} has other layers than {parts[0].network}, and can't grow to them") from None
        mixture = [sum_ + part.share * array for sum_, array in zip(mixture, fitted, strict=True)]
    network = keras_network.build(layer_graph.read(folders[0]), mixture, "float32")
    infos = [model_info.read_info(folder) for folder in folders]
    servable = saved_model.Servable(network, is_back_projected=infos[0].back_projection)
    # No paths, which are the user's own.
    names = ", ".join(f"{pathlib.PurePath(part.network).name} {part.share:g}" for part in parts)
    licence = "; ".join(dict.fromkeys(info.licence for info in infos if info.licence))
    servable.info = dataclasses.replace(servable.info, licence=licence, training=f"the weights of networks, mixed: {names}")
    saved_model.save(servable, out)
    print(f"to use it: sr-keras upscale photo.jpg --model={out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

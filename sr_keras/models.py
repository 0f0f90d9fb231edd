"""Lists the bundled networks, and what is known of others: python -m sr_keras.models [MODEL ...]"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from sr_keras.inference import model_info
from sr_keras.runtime import argument_types, command_line

PROG = "python -m sr_keras.models"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    parser = command_line.Parser(prog=prog, description=__doc__.replace(PROG, prog), epilog=command_line.EXIT_CODES)
    parser.add_argument(
        "models",
        nargs="*",
        type=argument_types.name,
        metavar="MODEL",
        help="the name of a bundled network, or the folder of a run, or of what the command import made",
    )
    options = parser.parse_args(argv)
    return command_line.run(prog, lambda: _print_models(options))


def _print_models(options: argparse.Namespace) -> int:
    if options.models:
        for model in options.models:
            print(_described(model_info.find_model(model)))
        return 0
    rows = [_row(name, model_info.SHIPPED_MODELS / name, model_info.PURPOSES[name]) for name in model_info.shipped()]
    print(f"{'name':10} {'scale':>5} {'size':>8}  for")
    print("\n".join(rows))
    print(f"\nThey lie in {model_info.SHIPPED_MODELS}")
    return 0


def _row(name: str, path: pathlib.Path, purpose: str) -> str:
    folder = model_info.newest_version(path)
    scale = f"x{model_info.read_info(folder).scale}"
    return f"{name:10} {scale:>5} {_size(folder) / 1e6:5.1f} MB  {purpose}"


def _described(path: pathlib.Path) -> str:
    """A line of what is known of the network in a folder."""
    if path.parent == model_info.SHIPPED_MODELS:
        return _row(path.name, path, model_info.PURPOSES[path.name])
    info = model_info.read_info(model_info.newest_version(path))
    texts = [f"{label}: {text}" for label, text in (("licence", info.licence), ("origin", info.origin)) if text]
    return _row(path.name, path, "; ".join(texts) or "trained here")


def _size(folder: pathlib.Path) -> int:
    """In bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())

"""Lists the bundled networks: python -m sr_keras.models"""

import pathlib
import sys
from collections.abc import Sequence

from sr_keras.inference import model_info
from sr_keras.runtime import command_line

PROG = "python -m sr_keras.models"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    description = __doc__.replace(PROG, prog)
    command_line.Parser(prog=prog, description=description, epilog=command_line.EXIT_CODES).parse_args(argv)
    return command_line.run(prog, _print_models)


def _print_models() -> int:
    rows = [_row(name) for name in model_info.shipped()]
    print(f"{'name':10} {'scale':>5} {'size':>8}  for")
    print("\n".join(rows))
    print(f"\nThey lie in {model_info.SHIPPED_MODELS}")
    return 0


def _row(name: str) -> str:
    folder = model_info.newest_version(model_info.SHIPPED_MODELS / name)
    scale = f"x{model_info.read_info(folder).scale}"
    return f"{name:10} {scale:>5} {_size(folder) / 1e6:5.1f} MB  {model_info.PURPOSES[name]}"


def _size(folder: pathlib.Path) -> int:
    """In bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())

"""The command: sr-keras COMMAND ..., or python -m sr_keras COMMAND ..."""

import importlib
import sys
from collections.abc import Sequence

from sr_keras.runtime import command_line

# By its name: the module, which is imported only when the command is called, and what the command does.
_COMMANDS = {
    "upscale": ("sr_keras.upscaling.command", "make photos larger"),
    "web": ("sr_keras.web.__main__", "make photos larger on a page in the browser, or for programs"),
    "train": ("sr_keras.training.command", "train a network"),
    "evaluate": ("sr_keras.evaluate", "compare networks with each other and with bicubic"),
    "figures": ("sr_keras.figures", "draw the curves and pictures of a run"),
    "leaks": ("sr_keras.leaks", "find test photos among training photos"),
    "benchmark": ("sr_keras.benchmark.__main__", "measure the speed of this machine"),
    "export": ("sr_keras.exchange.export_command", "write a network for ONNX, LiteRT or OpenVINO"),
    "import": ("sr_keras.exchange.import_command", "take over a network of PyTorch (ESRGAN, Real-ESRGAN)"),
    "models": ("sr_keras.models", "list the bundled networks"),
}


def main(argv: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    call = command_line.package_call()
    if arguments and arguments[0] in _COMMANDS:
        module, _ = _COMMANDS[arguments[0]]
        prog = f"{call} {arguments[0]}"
        # Around the import too, which may take a while.
        return command_line.run(prog, lambda: int(importlib.import_module(module).main(arguments[1:], prog=prog)))
    lines = [f"  {name:9}  {purpose}" for name, (_, purpose) in _COMMANDS.items()]
    description = "\n".join(["Super-resolution with Keras:", "", *lines])
    parser = command_line.Parser(prog=call, description=description, epilog=command_line.EXIT_CODES_OF_MANY)
    parser.add_argument("command", metavar="COMMAND", choices=_COMMANDS, help="COMMAND --help lists its options")
    # Every command is called above; what is left is wrong, or asks for help or the version.
    parser.parse_args(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())

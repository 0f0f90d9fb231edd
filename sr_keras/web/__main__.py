"""Serves a page on which pictures are made larger, and the same for programs: python -m sr_keras.web

The address that is printed is for a browser; the page needs nothing from the internet. What programs can ask is described at
/openapi.json.
"""

import argparse
import contextlib
import ipaddress
import socket
import sys
import types
from collections.abc import Iterator, Sequence

from PIL import Image

from sr_keras.runtime import argument_types, command_line, extras, quiet_tensorflow
from sr_keras.runtime.errors import UserError
from sr_keras.web import networks, workspace
from sr_keras.web.orders import Limits

PROG = "python -m sr_keras.web"

_EXTRA = f"needs what comes with its extra: {extras.install('web')}"
_OPEN_TO_OTHERS = (
    "Others may use it: everybody who reaches this machine by {host}. There is no password, and what is sent can be read on "
    "the way. Without --host, only this machine can use it."
)
# Seconds that answers under way have at the end.
_LAST_ANSWERS = 3


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    options = _parse(argv, prog)
    return command_line.run(prog, lambda: _serve(options))


def _serve(options: argparse.Namespace) -> int:
    """Until a signal comes, which is then raised as KeyboardInterrupt."""
    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise UserError(f"{_EXTRA} ({error.name} is missing)") from None

    networks.add(options.model)
    with _listening(options.host, options.port) as listener, workspace.open_workspace() as folder:
        # Sizes are held against the limits before anything is decoded; this one is for pictures within pictures, such as icons.
        Image.MAX_IMAGE_PIXELS = options.max_pixels
        with quiet_tensorflow.tensorflow_import():
            from sr_keras.inference import upscaler
        from sr_keras.web import app, compute, guard, jobs

        limits = Limits(1_000_000 * options.max_mb, options.max_pixels, options.max_jobs, options.max_seconds)
        queue = jobs.JobQueue([compute.computer(device, limits) for device in upscaler.devices()], limits)

        class Server(uvicorn.Server):
            def handle_exit(self, sig: int, frame: types.FrameType | None) -> None:
                queue.stop_soon()  # or who reads events would be waited for
                super().handle_exit(sig, frame)

        application = app.create_app(queue, limits, folder, guard.own_names(options.name))
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, timeout_graceful_shutdown=_LAST_ANSWERS, server_header=False
        )
        _tell(options.host, listener)
        try:
            Server(config).run(sockets=[listener])
        finally:
            queue.stop()
    return 0


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, reuse_port=False)
    except OSError as error:
        reason, _, _ = (error.strerror or str(error)).partition(" (while")
        raise UserError(f"--host={host} --port={port}: {reason}") from None
    with listener:
        yield listener


def _tell(host: str, listener: socket.socket) -> None:
    address, port = listener.getsockname()[:2]
    is_open = not ipaddress.ip_address(address).is_loopback
    shown = socket.gethostname() if ipaddress.ip_address(address).is_unspecified else host
    if is_open:
        print(_OPEN_TO_OTHERS.format(host=shown), file=sys.stderr, flush=True)
    print(f"http://{f'[{shown}]' if ':' in shown else shown}:{port} (Ctrl-C ends it)", flush=True)


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(prog=prog, description=__doc__.replace(PROG, prog), epilog=command_line.EXIT_CODES)
    default = Limits()
    parser.add_argument(
        "--host",
        type=argument_types.name,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where it listens (%(default)s: this machine alone). 0.0.0.0 is every network of this machine: all who reach it "
        "may use the page, without a password, and what they send can be read on the way",
    )
    parser.add_argument("--port", type=_port, default=8000, metavar="N", help="0 takes one that is free (%(default)s)")
    parser.add_argument(
        "--name",
        action="append",
        type=argument_types.name,
        default=[],
        metavar="NAME",
        help="a further name by which browsers may call it, such as that of a proxy before it; can be given again",
    )
    parser.add_argument(
        "-m",
        "--model",
        action="append",
        type=argument_types.path,
        default=[],
        metavar="FOLDER",
        help="a further network to choose: the folder of a run, or of what the command import made; can be given again",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max_mb",
        type=argument_types.positive_int,
        default=default.max_bytes // 10**6,
        metavar="MB",
        help="of a file (%(default)s)",
    )
    limits.add_argument(
        "--max_pixels",
        type=argument_types.pixel_count,
        default=default.max_pixels,
        metavar="N",
        help="of a result; a picture may have a quarter of that (%(default)s)",
    )
    limits.add_argument(
        "--max_jobs",
        type=argument_types.positive_int,
        default=default.max_jobs,
        metavar="N",
        help="pictures that wait (%(default)s)",
    )
    limits.add_argument(
        "--max_seconds",
        type=argument_types.positive_int,
        default=int(default.max_seconds),
        metavar="S",
        help="of computing, for each picture (%(default)s)",
    )
    return parser.parse_args(argv)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 65535, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""What processes take. Needs no TensorFlow."""

import pathlib
import re
import sys


def peak_memory_mb(max_rss: int, process: int | str = "self") -> float:
    """The most resident memory of a process so far.

    Args:
        max_rss: what its own `getrusage` says. On Linux that is too much where a larger process started it, so that it counts
            only on other systems.
        process: its id.
    """
    try:
        text = pathlib.Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        text = ""
    if found := re.search(r"VmHWM:\s*(\d+) kB", text):
        return int(found[1]) * 1024 / 1e6
    # In bytes on macOS, in KiB elsewhere.
    return max_rss * (1 if sys.platform == "darwin" else 1024) / 1e6

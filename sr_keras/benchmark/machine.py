"""What the machine is called, and what its processes take. Needs no TensorFlow."""

import pathlib
import platform
import re
import sys

_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")


def processor() -> str:
    """The processor's name, and the best of the instructions that matter to us, where the system tells them."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"model name\s*: (.*)", text)
    best = next((each for each in _INSTRUCTIONS if each in text.split()), "")
    return " with ".join(part for part in (name[1] if name else platform.machine(), best) if part)


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

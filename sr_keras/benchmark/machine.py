"""What the machine is called. Needs no TensorFlow."""

import pathlib
import platform
import re

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

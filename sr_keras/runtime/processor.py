"""Which processor this is, as the system tells it. Needs no TensorFlow."""

import pathlib
import platform
import re

# What libraries choose their kernels by, the best first, as Linux names it.
_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
_BFLOAT16_INSTRUCTIONS = frozenset({"amx_bf16", "avx512_bf16"})


def name() -> str:
    """What it is called, or its architecture where it has no name."""
    found = re.search(r"model name\s*: (.*)", _cpuinfo())
    return found[1] if found else platform.processor() or platform.machine()


def kind() -> str:
    """The best of its instructions that matter to us, such as "avx2"; its architecture where that can't be told."""
    words = set(_cpuinfo().split())
    return next((each for each in _INSTRUCTIONS if each in words), platform.machine())


def multiplies_bfloat16() -> bool:
    """Whether it has bfloat16 in hardware; False where that can't be told."""
    return kind() in _BFLOAT16_INSTRUCTIONS


def _cpuinfo() -> str:
    try:
        return pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""

"""The memory that glibc keeps for the process after it was freed."""

import contextlib
import ctypes

# Of glibc's malloc.h.
_MALLOPT_MMAP_THRESHOLD = -3


def return_freed() -> None:
    """Lets arrays of more than 1 MB go back to the system when they are freed, which glibc keeps otherwise."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_MALLOPT_MMAP_THRESHOLD, 2**20)

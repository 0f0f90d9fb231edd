"""How many threads may compute in this process: as many as there are processors, or what `OMP_NUM_THREADS` says.

Whoever shares a machine sets that for programs of all kinds; neither TensorFlow nor OpenVINO reads it by itself.
"""

import os


def limit() -> int | None:
    """The largest number of threads; None if there is no limit."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() and int(text) else None

import resource
import subprocess
import sys

import numpy as np
import pytest

from sr_keras.benchmark import machine

IDLE = "import sys; print(flush=True); sys.stdin.read()"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process is asked itself")
def test_memory_of_a_process_is_its_own() -> None:
    """Not that of the larger one which started it, as its own `getrusage` has it."""
    large = np.ones(2 * 10**8, np.uint8)
    with subprocess.Popen([sys.executable, "-c", IDLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert 1 < machine.peak_memory_mb(10**9, process.pid) < 100
        process.kill()
    assert machine.peak_memory_mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) > large.nbytes / 1e6

"""What a worker and the benchmark that started it say to each other. Needs nothing beyond Python."""

import argparse
import sys
import time
from collections.abc import Callable

# A worker's exit code where its framework is not installed.
NOT_INSTALLED = 3


def arguments() -> argparse.Namespace:
    """What to train: the generator's name, the side of the HR pictures, the batch size, and the policy of precision."""
    parser = argparse.ArgumentParser()
    parser.add_argument("generator")
    parser.add_argument("hr_size", type=int)
    parser.add_argument("batch_size", type=int)
    parser.add_argument("policy")
    return parser.parse_args()


def serve(step: Callable[[], object]) -> None:
    """Runs the step twice, which builds it, says so, and then once for each line of standard input.

    Prints the seconds that a step took, and those that all cores together worked for it.


    Args:
        step: a training step, which returns when all of it is computed.
    """
    for _ in range(2):
        step()
    print("ready", flush=True)
    for _ in sys.stdin:
        begun, worked = time.perf_counter(), time.process_time()
        step()
        print(time.perf_counter() - begun, time.process_time() - worked, flush=True)

"""Fine-tunes `edsr` on a folder of photos, then uses the result: python examples/fine_tune.py PHOTOS RUN [another flag ...]

Flags that follow are those of `sr-keras train`; the last of a kind counts: --iterations=20, --steps_per_iteration=500.
"""

import argparse
import pathlib
import subprocess
import sys

from sr_keras import Upscaler

# On pixels alone, through the back-projection that it was trained with, at a tenth of the usual learning rate.
RECIPE = ["--generator=edsr", "--init=edsr", "--back_projection", "--pixel_loss=mae", "--learning_rate=1e-5"]
RECIPE += ["--schedule=cosine", "--hr_size=128", "--batch_size=16", "--average_decay=0.999"]
RECIPE += ["--iterations=10", "--pretrain_iterations=10", "--steps_per_iteration=200"]


def main(photos: str, run: str, *flags: str) -> int:
    command = [sys.executable, "-m", "sr_keras", "train", f"--data={photos}", f"--run_dir={run}", *RECIPE, *flags]
    # Ctrl-C leaves a checkpoint; the same command goes on from there.
    code = subprocess.run(command).returncode
    if code == 0:
        upscaler = Upscaler.load(pathlib.Path(run, "best"))
        print(f"{run}/best is ready: sr-keras upscale photo.jpg --model={run} makes photos {upscaler.scale} times as large")
    return code


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos")
    parser.add_argument("run")
    options, flags = parser.parse_known_args()
    sys.exit(main(options.photos, options.run, *flags))

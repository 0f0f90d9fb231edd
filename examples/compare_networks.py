"""Says which of two networks is nearer to the truth, photo by photo: python examples/compare_networks.py espcn edsr PHOTOS"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def main(first: str, second: str, photos: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        figures = pathlib.Path(folder, "figures.json")
        # It downscales the photos, upscales them by both networks and by bicubic, and measures.
        command = [sys.executable, "-m", "sr_keras", "evaluate", first, second, f"--data={photos}", f"--json={figures}"]
        code = subprocess.run(command).returncode
        if code:
            return code
        rows = json.loads(figures.read_text(encoding="utf-8"))["photos"]
    psnr_db = {(row["method"], row["photo"]): row["psnr_db"] for row in rows}
    for photo in sorted({photo for _, photo in psnr_db}):
        gain = psnr_db[second, photo] - psnr_db[first, photo]
        print(f"{photo}: {second if gain > 0 else first} by {abs(gain):.2f} dB")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("first", "second", "photos"):
        parser.add_argument(name)
    sys.exit(main(**vars(parser.parse_args())))

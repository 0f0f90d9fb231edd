"""Makes photos four times as large: python upscale.py photo.jpg. In a checkout, it is what `sr-keras upscale` is elsewhere."""

import sys

from sr_keras.upscaling.command import main

if __name__ == "__main__":
    sys.exit(main())

"""Trains the networks: python train.py --flagfile=srgan.flags --data=PHOTOS. In a checkout, it is `sr-keras train`."""

import sys

from sr_keras.training.command import main

if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# keras 3.15.1 (PyPI, x86-64 Linux, Python 3.11) with tensorflow 2.21.0, openvino 2026.4.1 or jax 0.10.2: `keras.ops.depth_to_space` of channels
# first, the last step of most super-resolution networks, takes channels in another order on JAX and NumPy than on TensorFlow and
# OpenVINO. So the same weights give a picture of scrambled pixels and colours on another backend, without an error. Of channels
# last all agree. `space_to_depth` differs likewise, so that the one undoes the other everywhere, and no such test finds it.
#
# Why: JAX and NumPy count colours first, as PyTorch's `pixel_shuffle` does ("CRD"), and the others places in the block ("DCR"), as
# TensorFlow always has. By its source, Keras's backend of PyTorch is as that of JAX; it is not run here.
#
# Workaround: transpose to channels last, rearrange, and transpose back.
#
# The script rearranges the numbers 0 to 7 of one pixel's channels to two channels of 2x2, and prints them. It fails if TensorFlow and
# OpenVINO, or JAX and NumPy, or all of them with channels last, differ; or if the two pairs don't.
#
# Seen, first channel, then second:
#   tensorflow: channels first 0 2 4 6, 1 3 5 7; channels last 0 2 4 6, 1 3 5 7
#   openvino: channels first 0 2 4 6, 1 3 5 7; channels last 0 2 4 6, 1 3 5 7
#   jax: channels first 0 1 2 3, 4 5 6 7; channels last 0 2 4 6, 1 3 5 7
#   numpy: channels first 0 1 2 3, 4 5 6 7; channels last 0 2 4 6, 1 3 5 7
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0 openvino==2026.4.1 jax==0.10.2 jaxlib==0.10.2 \
    numpy==2.4.6

cat >shuffle.py <<'PYTHON'
import keras
import numpy as np

pixel = np.arange(8, dtype=np.float32)


def rearranged(data_format, shape, to_channels_first):
    result = keras.ops.depth_to_space(pixel.reshape(shape), 2, data_format=data_format)
    first, second = keras.ops.convert_to_numpy(result).transpose(to_channels_first).reshape(2, 4).astype(int)
    return " ".join(map(str, first)) + ", " + " ".join(map(str, second))


print("channels first", rearranged("channels_first", (1, 8, 1, 1), (0, 1, 2, 3)), end="; ")
print("channels last", rearranged("channels_last", (1, 1, 1, 8), (0, 3, 1, 2)))
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 JAX_PLATFORMS=cpu
look() {
    KERAS_BACKEND=$1 venv/bin/python shuffle.py 2>errors || {
        cat errors >&2
        return 1
    }
}

places="0 2 4 6, 1 3 5 7"
colours="0 1 2 3, 4 5 6 7"
as_described=yes
for backend in tensorflow openvino jax numpy; do
    seen=$(look "$backend")
    echo "$backend: $seen"
    case $backend in
    tensorflow | openvino) first=$places ;;
    *) first=$colours ;;
    esac
    [[ $seen == "channels first $first; channels last $places" ]] || as_described=no
done
[[ $as_described == yes ]] || {
    echo "keras behaves otherwise than described above"
    exit 1
}

"""What a network loses in 8 bits, by each way of each format: python benchmarks/int8.py [MODEL...] --data=FOLDER

FOLDER holds HR/ and LR_x4/. The table shows, beside the same network in float32, the change of PSNR on luma, and by how many of
255 levels a value is off at most. Ways that compute in 8 bits are calibrated on the bundled photos; back-projection is always
in float32. NNCF is measured where it is installed (pip install nncf), on files of fixed size.
"""

import functools
import importlib.util
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sr_keras.inference import model_info
from sr_keras.photos import pair_folders, rgb
from sr_keras.runtime import argument_types, command_line, quiet_tensorflow
from sr_keras.runtime.errors import UserError

Upscale = Callable[[np.ndarray], np.ndarray]
Pairs = list[tuple[np.ndarray, np.ndarray]]

# Of what 8-bit activations are calibrated on, in pixels of the small picture.
_SIDE = 64

# LiteRT computes with 16-bit activations one value after the other: networks of more operations a pixel would take hours.
_MOST_OPERATIONS_16 = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    prog = "int8.py"
    parser = command_line.Parser(prog=prog, description=__doc__, epilog=command_line.EXIT_CODES)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names or folders (default: espcn, edsr and photo)")
    parser.add_argument("--data", type=argument_types.path, required=True, metavar="FOLDER", help="photos, with HR/ and LR_x4/")
    options = parser.parse_args(argv)
    return command_line.run(prog, lambda: print_table(options.models or ["espcn", "edsr", "photo"], options.data))


def print_table(models: Sequence[str], data: pathlib.Path) -> int:
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.exchange import exporting
        from sr_keras.exchange.formats import FORMATS
    photos = pairs(data)
    print("| network | way | dB | levels |\n| --- | --- | --- | --- |")
    for model in models:
        folder = model_info.newest_version(model_info.find_model(model))
        with tempfile.TemporaryDirectory() as place:
            files = {name: pathlib.Path(place, f"float{FORMATS[name].file.suffix}") for name in ("onnx", "openvino")}
            for name, path in files.items():
                exporting.export(folder, path, FORMATS[name], photo_type="float32", weights="float32")
            exact = [rgb.to_uint8(sr) for sr in map(run_of("onnx", files["onnx"]), (lr for lr, _ in photos))]
            for way, upscale in ways(folder, files, pathlib.Path(place)):
                print(f"| {pathlib.PurePath(model).name} | {way} | {_loss(upscale, photos, exact)} |", flush=True)
    return 0


def pairs(data: pathlib.Path) -> Pairs:
    """Low-resolution pictures in [0, 1], and references."""
    folders = pair_folders.find(data, 4)
    if folders.lr is None:
        raise UserError(f"{data}: holds no folder of low-resolution photos")
    return [
        (rgb.to_float(rgb.read_photo(pair_folders.low_resolution_file(path.name, folders.lr, 4))), rgb.read_photo(path))
        for path in sorted(folders.hr.iterdir())
    ]


def ways(folder: pathlib.Path, files: dict[str, pathlib.Path], place: pathlib.Path) -> Iterator[tuple[str, Upscale]]:
    """Each way's name and the network in it."""
    from sr_keras.exchange import exporting
    from sr_keras.exchange.formats import FORMATS

    exporting.TOLERANCE["int8"] = 1.0  # what is beyond it is to be seen here
    for name in ("onnx", "openvino"):
        path = place / f"weights{FORMATS[name].file.suffix}"
        exporting.export(folder, path, FORMATS[name], photo_type="float32", weights="int8")
        yield f"`--format={name} --weights=int8`", run_of(name, path)
    yield from onnx_ways(files["onnx"], place)
    yield from litert_ways(folder, place)
    if importlib.util.find_spec("nncf"):
        yield "NNCF, 8-bit activations; first and last layer in float32", nncf_way(files["openvino"])


def onnx_ways(path: pathlib.Path, place: pathlib.Path) -> Iterator[tuple[str, Upscale]]:
    import onnx
    from onnxruntime import quantization

    nodes = onnx.load(str(path)).graph.node
    convolutions = [node.name for node in nodes if node.op_type == "Conv" and "back_projection" not in node.name]
    others = [node.name for node in nodes if node.name not in convolutions]

    class Reader:  # a CalibrationDataReader by its method
        def __init__(self) -> None:
            self.pictures = iter(calibration())

        def get_next(self) -> Any:
            lr = next(self.pictures, None)
            return None if lr is None else {"lr": lr.transpose(2, 0, 1)[np.newaxis]}

    result = place / "quantised.onnx"
    kinds = {"per_channel": True, "weight_type": quantization.QuantType.QInt8, "op_types_to_quantize": ["Conv"]}
    for label, bits in (("8", quantization.QuantType.QUInt8), ("16", quantization.QuantType.QUInt16)):
        ends = [convolutions[0], convolutions[-1]]
        quantization.quantize_static(
            str(path), str(result), Reader(), activation_type=bits, nodes_to_exclude=others + ends, **kinds
        )
        yield f"ONNX Runtime QDQ, {label}-bit activations; first and last layer in float32", run_of("onnx", result)
    quantization.quantize_dynamic(str(path), str(result), nodes_to_exclude=others, **kinds)
    yield "ONNX Runtime, dynamic", run_of("onnx", result)


def litert_ways(folder: pathlib.Path, place: pathlib.Path) -> Iterator[tuple[str, Upscale]]:
    import tensorflow as tf

    from sr_keras.exchange.portable import Portable
    from sr_keras.inference import saved_model

    portable = Portable(saved_model.ExportedNetwork(folder), layout="NHWC", photo_type="float32")
    portable.save(place / "portable")
    integers = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    kinds: list[tuple[str, list[Any] | None]] = [("dynamic range", None), ("8-bit activations", [])]
    if model_info.read_info(folder).operations <= _MOST_OPERATIONS_16:
        kinds.append(("16-bit activations", [integers]))
    for label, operations in kinds:
        converter = tf.lite.TFLiteConverter.from_saved_model(str(place / "portable"))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if operations is not None:
            converter.representative_dataset = lambda: ({"lr": lr[np.newaxis]} for lr in calibration())
            converter.target_spec.supported_ops = [*operations, tf.lite.OpsSet.TFLITE_BUILTINS]
        result = place / "quantised.tflite"
        result.write_bytes(converter.convert())
        yield f"LiteRT, {label}, all layers", run_of("litert", result)


def nncf_way(path: pathlib.Path) -> Upscale:
    import nncf
    import openvino

    core = openvino.Core()
    model = core.read_model(str(path))
    nodes = model.get_ordered_ops()
    convolutions = [node for node in nodes if node.get_type_name() == "Convolution" and node.input_value(1).get_shape()[1] > 3]
    chosen = {node.get_friendly_name() for node in convolutions[:-1]}  # the first takes colours
    others = [node.get_friendly_name() for node in nodes if node.get_friendly_name() not in chosen and node.get_input_size()]
    quantised = nncf.quantize(
        model,
        nncf.Dataset(calibration(), lambda lr: {"lr": lr.transpose(2, 0, 1)[np.newaxis]}),
        ignored_scope=nncf.IgnoredScope(names=others, validate=False),
    )

    @functools.cache
    def compiled(height: int, width: int) -> Any:
        # What NNCF returns is not compiled for sizes that are not known.
        fixed = quantised.clone()
        fixed.reshape({"lr": [1, 3, height, width]})
        return core.compile_model(fixed, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    return lambda lr: compiled(*lr.shape[:2])({"lr": lr.transpose(2, 0, 1)[np.newaxis]})["sr"][0].transpose(1, 2, 0)


def run_of(name: str, path: pathlib.Path) -> Upscale:
    """`[h, w, 3]` to `[s h, s w, 3]`, by a file of a format."""
    from sr_keras.exchange.formats import FORMATS

    run = FORMATS[name].load(path)
    if FORMATS[name].layout == "NHWC":
        return lambda lr: run(lr[np.newaxis])[0]
    return lambda lr: run(np.ascontiguousarray(lr.transpose(2, 0, 1))[np.newaxis])[0].transpose(1, 2, 0)


@functools.cache
def calibration() -> list[np.ndarray]:
    """Corners of the bundled photos, downscaled by 2 and by 4."""
    photos = [rgb.read_photo(path) for path in sorted((rgb.SAMPLE / "photos").glob("*.jpg"))]
    small = [rgb.resize_bicubic(each, each.shape[0] // by, each.shape[1] // by) for each in photos for by in (2, 4)]
    corners = [part for each in small for part in (each[:_SIDE, :_SIDE], each[-_SIDE:, -_SIDE:])]
    return [rgb.to_float(part) for part in corners if part.shape[:2] == (_SIDE, _SIDE)]


def _loss(upscale: Upscale, photos: Pairs, exact: Sequence[np.ndarray]) -> str:
    from sr_keras.evaluation import metrics

    changes, levels = [], []
    for (lr, hr), before in zip(photos, exact, strict=True):
        after = rgb.to_uint8(upscale(lr))
        psnr_db = [metrics.psnr_ssim(hr, picture, border=4)[0] for picture in (before, after)]
        changes.append(psnr_db[1] - psnr_db[0])
        levels.append(int(np.abs(after.astype(int) - before).max()))
    return f"{np.mean(changes):+.3f} | {max(levels)}"


if __name__ == "__main__":
    sys.exit(main())

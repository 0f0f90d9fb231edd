"""The formats of other runtimes: how each is written, what it holds of the model info, and how it is run."""

import json
import pathlib
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import tensorflow as tf

from sr_keras.exchange import int8_weights
from sr_keras.exchange.file_formats import FILE_FORMATS, FileFormat
from sr_keras.exchange.portable import INPUT, OUTPUT, Layout, Portable
from sr_keras.runtime import quiet_tensorflow

Weights = Literal["float32", "float16", "int8"]
Run = Callable[[np.ndarray], np.ndarray]

# What model info is called inside a file.
INFO = "sr_keras"

# ONNX's operations, of the version that runtimes of the last years know.
_OPSET = 17


class Format(ABC):
    """A format of exported files.

    Attributes:
        file: what its files are called.
        layout: of pictures, as the runtime's users expect it.
    """

    file: ClassVar[FileFormat]
    layout: ClassVar[Layout]

    @abstractmethod
    def write(self, network: Portable, path: pathlib.Path, info: Mapping[str, str], weights: Weights) -> None:
        """Writes the network to `path`, and what belongs to it beside it, with `info` inside.

        Args:
            weights: none of those that `file` lacks.
        """

    @abstractmethod
    def load(self, path: pathlib.Path) -> Run:
        """Loads a file as a stranger would; pictures are `[B, h, w, 3]` or `[B, 3, h, w]`, as `layout` says."""

    @abstractmethod
    def read_info(self, path: pathlib.Path) -> dict[str, str]:
        """What `write` was given as `info`."""


class Onnx(Format):
    """ONNX, run by ONNX Runtime and many others."""

    file, layout = FILE_FORMATS["onnx"], "NCHW"

    def write(self, network: Portable, path: pathlib.Path, info: Mapping[str, str], weights: Weights) -> None:
        import onnx
        import tf2onnx

        signature = network.upscale.input_signature
        model, _ = tf2onnx.convert.from_function(network.upscale, input_signature=signature, opset=_OPSET)
        for value in (*model.graph.input, *model.graph.output):
            for axis, name in zip((0, 2, 3), ("batch", "height", "width"), strict=True):
                value.type.tensor_type.shape.dim[axis].dim_param = name if value.name == INPUT else f"{OUTPUT}_{name}"
        if weights == "int8":
            _store_onnx_weights_as_int8(model.graph)
        onnx.helper.set_model_props(model, dict(info))
        model.producer_name = INFO
        onnx.checker.check_model(model)
        onnx.save(model, str(path))

    def load(self, path: pathlib.Path) -> Run:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return lambda lr: np.asarray(session.run([OUTPUT], {INPUT: lr})[0])

    def read_info(self, path: pathlib.Path) -> dict[str, str]:
        import onnx

        return {each.key: each.value for each in onnx.load(str(path)).metadata_props}


class LiteRt(Format):
    """LiteRT, once TensorFlow Lite: Android, iOS and small devices. TensorFlow writes it."""

    file, layout = FILE_FORMATS["litert"], "NHWC"

    def write(self, network: Portable, path: pathlib.Path, info: Mapping[str, str], weights: Weights) -> None:
        with tempfile.TemporaryDirectory() as folder, quiet_tensorflow.tensorflow_import():
            network.save(pathlib.Path(folder))
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            if weights == "float16":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.target_spec.supported_types = [tf.float16]
            content = converter.convert()
        path.write_bytes(_with_metadata(content, info))

    def load(self, path: pathlib.Path) -> Run:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path))
        runner = interpreter.get_signature_runner()
        return lambda lr: np.asarray(runner(**{INPUT: lr})[OUTPUT])

    def read_info(self, path: pathlib.Path) -> dict[str, str]:
        from tensorflow.lite.python import schema_py_generated as schema

        model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        [buffer] = [each.buffer for each in model.metadata if each.name == INFO.encode()]
        return dict(json.loads(bytes(model.buffers[buffer].data)))


class OpenVino(Format):
    """OpenVINO: processors, graphics and accelerators of Intel. A file `.xml`, and its weights in `.bin` beside it."""

    file, layout = FILE_FORMATS["openvino"], "NCHW"

    def write(self, network: Portable, path: pathlib.Path, info: Mapping[str, str], weights: Weights) -> None:
        import openvino
        from openvino.frontend import FrontEndManager

        with tempfile.TemporaryDirectory() as folder:
            network.save(pathlib.Path(folder))
            # Not by `openvino.convert_model`, which also reports the call to its makers.
            frontend = FrontEndManager().load_by_framework("tf")
            model = frontend.convert(frontend.load(folder))
            model.inputs[0].set_names({INPUT})
            model.outputs[0].set_names({OUTPUT})
            if weights == "int8":
                _store_openvino_weights_as_int8(model)
            for name, value in info.items():
                model.set_rt_info(value, [INFO, name])
            # It is float16 unless it is told.
            openvino.save_model(model, str(path), compress_to_fp16=weights == "float16")

    def load(self, path: pathlib.Path) -> Run:
        import openvino

        # On processors with AMX or AVX-512 BF16 it computes in bfloat16 unless it is told.
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(str(path), "CPU", exact)
        return lambda lr: np.asarray(compiled({INPUT: lr})[OUTPUT])

    def read_info(self, path: pathlib.Path) -> dict[str, str]:
        import openvino

        found = openvino.Core().read_model(str(path)).get_rt_info([INFO])
        return {name: str(value.astype(str)) for name, value in found.astype(dict).items()}


FORMATS: dict[str, Format] = {"onnx": Onnx(), "litert": LiteRt(), "openvino": OpenVino()}


def _store_onnx_weights_as_int8(graph: Any) -> None:
    """Puts a DequantizeLinear before the chosen convolutions of an ONNX graph."""
    from onnx import helper, numpy_helper

    tensors = {tensor.name: tensor for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type in ("Conv", "ConvTranspose")]
    # A transposed convolution's kernel is [in, out, kh, kw], others are [out, in, kh, kw].
    axes = [1 if node.op_type == "ConvTranspose" else 0 for node in convolutions]
    shapes = [tensors[node.input[1]].dims for node in convolutions]
    channels = [(shape[1 - axis], shape[axis]) for shape, axis in zip(shapes, axes, strict=True)]
    for node, axis, is_chosen in zip(convolutions, axes, int8_weights.chosen(channels), strict=True):
        if is_chosen:
            tensor = tensors[node.input[1]]
            kernel, scale = int8_weights.rounded(numpy_helper.to_array(tensor), axis)
            parts = {f"{tensor.name}_int8": kernel, f"{tensor.name}_scale": scale.ravel()}
            graph.initializer.remove(tensor)
            graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in parts.items())
            graph.node.insert(0, helper.make_node("DequantizeLinear", list(parts), [tensor.name], axis=axis))


def _store_openvino_weights_as_int8(model: Any) -> None:
    """Puts a conversion and a multiplication before the chosen convolutions of an OpenVINO model, as NNCF does."""
    import openvino
    from openvino import opset13

    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name().startswith("Convolution")]
    axes = [1 if node.get_type_name() == "ConvolutionBackpropData" else 0 for node in convolutions]
    shapes = [node.input_value(1).get_shape() for node in convolutions]
    channels = [(shape[1 - axis], shape[axis]) for shape, axis in zip(shapes, axes, strict=True)]
    for node, axis, is_chosen in zip(convolutions, axes, int8_weights.chosen(channels), strict=True):
        if is_chosen:
            kernel, scale = int8_weights.rounded(node.input_value(1).get_node().data, axis)
            levels = opset13.convert(opset13.constant(kernel), openvino.Type.f32)
            node.input(1).replace_source_output(opset13.multiply(levels, opset13.constant(scale)).output(0))


def _with_metadata(content: bytes, info: Mapping[str, str]) -> bytes:
    """A LiteRT file with one more buffer, which its metadata names."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(json.dumps(dict(info)).encode())
    entry.name, entry.buffer = INFO, len(model.buffers)
    model.buffers = [*model.buffers, buffer]
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())

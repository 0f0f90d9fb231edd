"""TensorFlow Serving: what it reads of a network, by its own tools and messages; the server itself is no package for Python."""

import concurrent.futures
import pathlib
import runpy
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.tools import saved_model_utils

from sr_keras import Upscaler
from sr_keras.inference import model_info

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "serving_client.py"


def bundled(name: str) -> pathlib.Path:
    """The folder of a version."""
    return model_info.newest_version(model_info.find_model(name))


@pytest.mark.parametrize("name", model_info.PURPOSES)
def test_the_default_signature_is_what_the_documentation_says(name: str) -> None:
    signature = saved_model_utils.get_meta_graph_def(str(bundled(name)), "serve").signature_def["serving_default"]
    [(lr, taken)], [(sr, given)] = signature.inputs.items(), signature.outputs.items()
    assert (lr, sr, signature.method_name) == ("lr", "output_0", "tensorflow/serving/predict")
    for tensor in (taken, given):
        assert tf.as_dtype(tensor.dtype) == tf.float32
        assert tf.TensorShape(tensor.tensor_shape).as_list() == [None, None, None, 3]


@pytest.mark.slow
def test_saved_model_cli_shows_and_runs_it(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
    which = [f"--dir={bundled('espcn')}", "--tag_set=serve", "--signature_def=serving_default"]
    shown = subprocess.run([*command, "show", *which], capture_output=True, text=True, check=True).stdout
    assert "inputs['lr'] tensor_info:\n      dtype: DT_FLOAT\n      shape: (-1, -1, -1, 3)" in shown
    assert "outputs['output_0'] tensor_info:\n      dtype: DT_FLOAT\n      shape: (-1, -1, -1, 3)" in shown
    np.save(tmp_path / "white.npy", np.ones((1, 5, 7, 3), np.float32))
    run = [*command, "run", *which, f"--inputs=lr={tmp_path / 'white.npy'}", f"--outdir={tmp_path}"]
    subprocess.run(run, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "output_0.npy"), np.ones((1, 20, 28, 3)), atol=0.02)


@pytest.mark.slow
def test_a_client_gets_what_the_network_makes(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    """Over gRPC, by the messages of TensorFlow Serving, from a server that does with them what it does."""
    pytest.importorskip("tensorflow_serving")
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    loaded = tf.saved_model.load(str(bundled("espcn")))

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> predict_pb2.PredictResponse:  # noqa: N802 - gRPC calls it so
            assert request.model_spec.name == "espcn"
            inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
            response = predict_pb2.PredictResponse()
            for name, tensor in loaded.signatures["serving_default"](**inputs).items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(tensor))
            return response

    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    photo = rng.integers(0, 256, (45, 70, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "in.png")
    example = runpy.run_path(str(EXAMPLE))
    example["main"].__globals__["TILE"] = 32
    files = [str(tmp_path / name) for name in ("in.png", "out.png")]
    try:
        example["main"](f"127.0.0.1:{port}", "espcn", *files, 4, 10)
    finally:
        server.stop(None).wait()
    sr = np.asarray(Image.open(files[1])).astype(int)
    assert np.abs(sr - Upscaler.load("espcn", precision="float32").upscale(photo)).max() <= 1

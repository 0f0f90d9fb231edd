"""Networks to and from the files of other runtimes: export to ONNX, LiteRT and OpenVINO, import of PyTorch's."""

"""What is computed as one convolution is what the layers compute one after the other."""

from collections.abc import Sequence

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from sr_keras.inference import checkpoint, fusion, layer_graph, model_info, openvino_layers, openvino_stage, stages
from sr_keras.inference.layer_graph import INPUT, Layer
from sr_keras.inference.nodes import Node
from sr_keras.networks import rrdbnet

LAYERS = [
    Layer("features", "conv", (INPUT,), (0, 1)),
    Layer("active", "relu", ("features",), ()),
    Layer("wide", "conv", ("active",), (2, 3)),
    Layer("twice", "depth_to_space", ("wide",), (), {"block": 2}),
    Layer("wider", "conv", ("twice",), (4, 5)),
    Layer("again", "depth_to_space", ("wider",), (), {"block": 2}),
    Layer("picture", "conv", ("again",), (6, 7)),
]
KERNELS = [(3, 3, 3, 5), (3, 3, 5, 16), (3, 3, 4, 16), (3, 3, 4, 3)]


@pytest.fixture
def chain() -> Node:
    [node] = [node for stage in divided() for node in stage.nodes if node.chain]
    return node


def divided() -> list[stages.Stage]:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype(np.float32) for kernel in KERNELS for shape in (kernel, kernel[-1:])]
    return stages.divide(LAYERS, weights, back_projection=False, is_whole=True)


def computed(nodes: Sequence[Node], x: np.ndarray) -> np.ndarray:
    parameter = ops.parameter(list(x.shape), ov.Type.f32)
    result = parameter
    for node in nodes:
        result = openvino_layers.apply(node, [result])
    compiled = ov.Core().compile_model(ov.Model([result], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(x)[0])


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (5, 30), (6, 6), (7, 20), (20, 15)])
def test_a_chain_is_its_layers_up_to_the_edges(chain: Node, size: tuple[int, int]) -> None:
    x = np.random.default_rng(1).normal(size=(1, 5, *size)).astype(np.float32)
    expected = computed(chain.chain, x)
    np.testing.assert_allclose(computed([chain], x), expected, atol=1e-4 * np.abs(expected).max())


def test_edges_are_where_its_own_kernel_is_wrong(chain: Node) -> None:
    x = np.random.default_rng(1).normal(size=(1, 5, 9, 9)).astype(np.float32)
    kernel_alone = chain._replace(layer=chain.layer._replace(kind="conv_shuffle"))
    wrong = np.abs(computed([kernel_alone], x) - computed(chain.chain, x)).max(axis=(0, 1)) > 1e-3
    assert chain.weights[0].shape == (5, 5, 5, 48)
    assert wrong[0].any() and not wrong[4:-4, 4:-4].any()
    assert chain.chain_edge == 1


def test_what_is_not_linear_ends_a_chain(chain: Node) -> None:
    assert [node.layer.name for node in chain.chain] == ["wide", "twice", "wider", "picture"]


def test_features_of_the_photo_are_computed_again_where_they_are_added() -> None:
    trunk = [Layer(f"conv{index}", "conv", (f"conv{index - 1}" if index else "first",), (1,)) for index in range(20)]
    first, head = Layer("first", "conv", (INPUT,), (0,)), Layer("head", "conv", ("sum",), (2,))
    layers = [first, *trunk, Layer("sum", "add", ("conv19", "first")), head]
    shapes = [(1, 1, 3, 16), (3, 3, 16, 16), (3, 3, 16, 3)]
    division = stages.divide(layers, [np.ones(shape, np.float32) for shape in shapes], back_projection=False)
    assert len(division) > 20
    assert [any(node.layer.name == "first" for node in stage.nodes) for stage in division].count(True) == 2


def test_nested_residual_blocks_are_divided_at_their_dense_blocks() -> None:
    """Each of them sees 5 rows. Within one there are more tensors to keep, of which each layer takes all."""
    network = rrdbnet.build(num_blocks=6, filters=4, growth=2)
    *division, _ = stages.divide(layer_graph.describe(network), network.get_weights(), back_projection=False)
    assert len(division) >= 6 * 3
    assert max(stage.margin for stage in division) <= 6
    assert max(len(stage.inputs) for stage in division) <= 3


def test_channels_of_what_is_concatenated_add_up() -> None:
    network = rrdbnet.build(num_blocks=1, num_upscales=0, filters=6, growth=4)
    nodes = fusion.fused(layer_graph.describe(network), network.get_weights())
    assert [node.channels for node in nodes if node.layer.kind == "concat"] == 3 * [10, 14, 18, 22]


def test_colours_are_rescaled_by_the_last_stage() -> None:
    mean = Layer("mean", "rescale", ("picture",), (), {"scale": 1.0, "offset": [0.1, 0.2, 0.3]})
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype(np.float32) for kernel in KERNELS for shape in (kernel, kernel[-1:])]
    *_, last = stages.divide([*LAYERS, mean], weights, back_projection=False)
    assert last.is_last
    assert [node.layer.name for node in last.nodes] == ["mean"]
    assert [(value.name, value.block, value.channels) for value in last.inputs] == [("picture", 4, 48)]


@pytest.fixture(scope="module")
def edsr() -> list[stages.Stage]:
    folder = model_info.newest_version(model_info.find_model("edsr"))
    return stages.divide(layer_graph.read(folder), checkpoint.read_weights(folder), back_projection=True)


def test_a_stage_that_is_exact_has_one_layer_that_sees(edsr: list[stages.Stage]) -> None:
    """In EDSR all have, but where colours are shifted first, and at its end, which is one convolution."""
    exact = [stage for stage in edsr if stage.is_exact]
    assert all([node.kernel_radius > 0 for node in stage.nodes].count(True) == 1 for stage in exact)
    assert [stage.is_exact for stage in edsr] == [False, *[True] * 32, False, False, False]


def test_stages_with_the_same_layers_share_a_model(edsr: list[stages.Stage]) -> None:
    assert len({openvino_stage.signature(stage) for stage in edsr if stage.is_exact}) == 2

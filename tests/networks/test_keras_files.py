"""`model.save("network.keras")` and `keras.models.load_model`, which need none of this code's names."""

import pathlib
import subprocess
import sys
from collections.abc import Callable

import keras
import numpy as np
import pytest

from sr_keras.inference import model_info, saved_model
from sr_keras.networks import back_projection, generators, srgan, unet_discriminator
from tests.small_networks import SMALL, last_picture, small

# Built with these, a network takes the weights of a bundled one.
BUNDLED: dict[str, tuple[str, dict[str, int]]] = {
    "edsr": ("edsr", {}),
    "espcn": ("espcn", {}),
    "lapsrn": ("lapsrn", {}),
    "photo": ("edsr", {}),
    "photogan": ("edsr", {}),
    "srgan": ("srgan", {}),
    "srresnet": ("srgan", {}),
}


def reloaded(network: keras.Model, tmp_path: pathlib.Path) -> keras.Model:
    path = tmp_path / "network.keras"
    network.save(path)
    return keras.models.load_model(path)


@pytest.mark.parametrize("is_back_projected", [False, True])
@pytest.mark.parametrize("name", generators.FAMILIES)
def test_a_generator_comes_back(name: str, is_back_projected: bool, rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    network = small(name)
    if is_back_projected:
        network = back_projection.with_back_projection(network, 4)
    loaded = reloaded(network, tmp_path)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in network.layers]
    lr = rng.random((1, 9, 12, 3), dtype=np.float32)
    np.testing.assert_array_equal(last_picture(loaded, lr), last_picture(network, lr))


@pytest.mark.parametrize(
    "build",
    [
        lambda: srgan.build_discriminator(4),
        lambda: srgan.build_discriminator(4, head="image", hr_size=32, spectral_norm=True),
        lambda: unet_discriminator.build(4),
    ],
)
def test_a_discriminator_comes_back(
    build: Callable[..., keras.Model], rng: np.random.Generator, tmp_path: pathlib.Path
) -> None:
    network = build()
    photo = rng.random((2, 32, 32, 3), dtype=np.float32)
    # Trained once: spectral norms keep a vector that must come back too.
    network(photo, training=True)
    loaded = reloaded(network, tmp_path)
    np.testing.assert_array_equal(loaded(photo), network(photo))
    np.testing.assert_allclose(loaded(photo, training=True), network(photo, training=True), rtol=1e-6)


def test_all_families_are_tried() -> None:
    assert set(SMALL) == set(generators.FAMILIES)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if family == "srgan" else []) for name, (family, _) in BUNDLED.items()]
)
def test_a_bundled_network_comes_back(name: str, rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    """Its SavedModel, the network of its weights, and the file of that network compute the same."""
    assert set(BUNDLED) == set(model_info.PURPOSES)
    folder = model_info.SHIPPED_MODELS / name
    family, sizes = BUNDLED[name]
    generator = generators.build(family, **sizes)
    generator.set_weights(saved_model.load_weights(folder))
    exported = saved_model.ExportedNetwork(folder)
    network = back_projection.with_back_projection(generator, 4) if exported.info.back_projection else generator
    lr = rng.random((1, 7, 6, 3), dtype=np.float32)
    np.testing.assert_array_equal(last_picture(reloaded(network, tmp_path), lr), last_picture(network, lr))
    np.testing.assert_allclose(last_picture(network, lr), exported(lr), atol=1e-5)


def test_a_stranger_needs_one_import(tmp_path: pathlib.Path) -> None:
    """Another process, which knows nothing of how the network was made."""
    for name in generators.FAMILIES:
        back_projection.with_back_projection(small(name), 4).save(tmp_path / f"{name}.keras")
    code = "import pathlib, keras, sr_keras.networks.generators\n"
    code += "for path in pathlib.Path().glob('*.keras'): print(path.stem, keras.models.load_model(path).output_shape)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == [f"{name} (None, None, None, 3)" for name in sorted(generators.FAMILIES)]

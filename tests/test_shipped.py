"""The networks that `upscale.py` takes by name."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sr_keras.evaluation import comparison, degradations, metrics
from sr_keras.inference import model_info, saved_model
from sr_keras.inference.upscaler import Upscaler
from sr_keras.photos import condition, rgb
from sr_keras.photos.drawn_pictures import drawn
from tests.types import Noise

Pairs = list[tuple[np.ndarray, np.ndarray]]
# Of each photo: what was measured of ours, and of bicubic.
Measured = list[list[dict[str, float]]]

PHOTOS = ("astronaut.jpg", "camera.jpg", "cat.jpg")

# By how many dB a network is better than bicubic on the worst photo and on average; a small one by less, one that restores too,
# and what was trained to look like a photo by less still.
GAINS = {"espcn": (0.4, 1.0), "photo": (0.4, 1.0), "photogan": (-0.55, 0.2), "srgan": (-0.55, 0.6)}
# In levels. Who restores does not take the photo's own mean colour for granted.
COLOUR_ERRORS = {"photo": 1.0, "photogan": 1.0}


@functools.cache
def load(name: str) -> saved_model.ExportedNetwork:
    return saved_model.ExportedNetwork(model_info.SHIPPED_MODELS / name)


@pytest.fixture(scope="module", params=model_info.shipped())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(name: str) -> saved_model.ExportedNetwork:
    return load(name)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """The middle of bundled photos, none of which it was trained on."""

    def pair(file_name: str) -> tuple[np.ndarray, np.ndarray]:
        photo = rgb.read_photo(rgb.SAMPLE / "photos" / file_name)
        y, x = ((length - 256) // 2 for length in photo.shape[:2])
        hr = photo[y : y + 256, x : x + 256]
        return rgb.resize_bicubic(hr, 64, 64), hr

    return [pair(file_name) for file_name in PHOTOS]


@pytest.fixture(scope="module")
def enlarged(network: saved_model.ExportedNetwork, pairs: Pairs) -> list[np.ndarray]:
    """The photos, enlarged in float32."""
    upscaler = Upscaler(network, precision="float32", tile=32)
    return [upscaler.upscale(lr) for lr, _ in pairs]


@pytest.fixture(scope="module")
def measured(enlarged: list[np.ndarray], pairs: Pairs) -> Measured:
    """What is measured of each photo, enlarged by the network and by bicubic."""
    pictures = [(hr, ours, rgb.resize_bicubic(lr, 256, 256)) for (lr, hr), ours in zip(pairs, enlarged, strict=True)]
    return [[comparison.measure(hr, sr, scale=4, tile=32) for sr in (ours, bicubic)] for hr, ours, bicubic in pictures]


def test_srresnet_is_the_papers_generator() -> None:
    assert dataclasses.replace(load("srresnet").info, licence="", training="") == model_info.ModelInfo(
        scale=4, receptive_field=31, peak_values=12288, peak_margin=7, operations=14_186_880
    )
    assert sum(weight.size for weight in saved_model.load_weights(model_info.SHIPPED_MODELS / "srresnet")) == 2_627_907


def test_it_is_better_than_bicubic(name: str, measured: Measured) -> None:
    gains = [ours["psnr_db"] - bicubic["psnr_db"] for ours, bicubic in measured]
    least, on_average = GAINS.get(name, (0.5, 1.5))
    assert min(gains) > least
    assert np.mean(gains) > on_average
    allowed = {"srgan": 0.01, "photogan": 0.02}.get(name, 0)  # texture that is made up
    assert all(ours["ssim"] > bicubic["ssim"] - allowed for ours, bicubic in measured)
    assert all(ours["sharpness"] > bicubic["sharpness"] for ours, bicubic in measured)


def test_what_was_trained_to_look_like_a_photo_is_as_sharp_as_one(name: str, measured: Measured) -> None:
    sharpness = [ours["sharpness"] for ours, _ in measured]
    assert (min(sharpness) > 0.65) == (name == "srgan")
    assert max(sharpness) < 1.1


def test_it_leaves_no_grid(measured: Measured) -> None:
    """Originals have up to 1.1 dB here; what is seen as a checkerboard has 9 and more."""
    assert all(ours["grid_db"] < 3 for ours, _ in measured)


def test_it_moves_no_colour(name: str, measured: Measured) -> None:
    assert max(ours["colour_error"] for ours, _ in measured) < COLOUR_ERRORS.get(name, 0.5)


def test_its_tiles_leave_no_seams(measured: Measured) -> None:
    assert all(ours["seam"] < 1.2 * bicubic["seam"] for ours, bicubic in measured)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_its_result_does_not_depend_on_the_tile_size(
    network: saved_model.ExportedNetwork, noise: Noise, precision: str
) -> None:
    """Half of what is enlarged is a photo, half noise."""
    photo = np.concatenate([rgb.read_photo(rgb.SAMPLE / "small.png")[:70, :45], noise(70, 45)], axis=1)
    whole, tiled = (Upscaler(network, precision=precision, tile=tile).upscale(photo).astype(int) for tile in (1000, 24))
    difference = np.abs(whole - tiled)
    if precision == "float32":
        assert difference.max() <= 1
        assert np.count_nonzero(difference) <= difference.size / 10_000
    assert difference.max() <= 2


def test_float32_is_the_keras_network(network: saved_model.ExportedNetwork, pairs: Pairs) -> None:
    """To 1e-4; the 16-bit form is the float32 form with finer levels."""
    lr, _ = pairs[0]
    expected = np.clip(network(rgb.to_float(lr)[np.newaxis])[0], 0, 1)
    sr = Upscaler(network, tile=64).upscale(lr.astype(np.uint16) * 257) / 65535
    np.testing.assert_allclose(sr, expected, atol=1e-4)


# CPUs have no arithmetic in float16: it takes them many times as long.
@pytest.mark.parametrize("precision, photos", [("bfloat16", len(PHOTOS)), ("float16", 1)])
def test_reduced_precisions_cost_nothing_that_is_seen(
    network: saved_model.ExportedNetwork, pairs: Pairs, enlarged: list[np.ndarray], precision: str, photos: int
) -> None:
    upscaler = Upscaler(network, precision=precision, tile=64)
    for (lr, hr), fine in zip(pairs[:photos], enlarged, strict=False):
        coarse = upscaler.upscale(lr)
        psnr_db = [metrics.psnr_ssim(hr, picture, border=4)[0] for picture in (fine, coarse)]
        assert psnr_db[1] == pytest.approx(psnr_db[0], abs=0.02)
        assert np.abs(fine.astype(int) - coarse).mean() < 0.5


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (40, 128, 200), (250, 20, 90)])
def test_flat_areas_keep_their_colour_in_bfloat16(network: saved_model.ExportedNetwork, colour: tuple[int, int, int]) -> None:
    photo = np.broadcast_to(np.array(colour, np.uint8), (60, 60, 3))
    fine, coarse = (Upscaler(network, precision=name).upscale(photo) for name in ("float32", "bfloat16"))
    difference = coarse[104:-104, 104:-104].astype(int) - fine[104:-104, 104:-104]
    assert np.abs(difference.mean((0, 1))).max() < 1
    assert np.abs(difference).max() <= 2


@pytest.fixture(scope="module", params=list(degradations.KINDS))
def worn_pairs(request: pytest.FixtureRequest, pairs: Pairs) -> Pairs:
    """The same photos as `pairs`, degraded."""
    return [(degradations.degrade(hr, request.param, name, 4), hr) for name, (_, hr) in zip(PHOTOS, pairs, strict=True)]


def test_worn_photos_are_restored(worn_pairs: Pairs) -> None:
    """Better than bicubic, and than `edsr`, and much less noisy."""
    restoring, enlarging = (Upscaler(load(name)) for name in (model_info.RESTORING, model_info.ENLARGING))
    psnr_db, noise = [], []
    for lr, hr in worn_pairs:
        pictures = [rgb.resize_bicubic(lr, 256, 256), restoring.upscale(lr), enlarging.upscale(lr)]
        psnr_db.append([metrics.psnr_ssim(hr, sr, border=4)[0] for sr in pictures])
        noise.append([metrics.flat_noise(hr, sr) for sr in pictures])
    bicubic, ours, plain = np.mean(psnr_db, axis=0)
    assert ours > bicubic + 0.3
    assert ours > plain + 0.2
    of_bicubic, of_ours, of_plain = np.mean(noise, axis=0)
    assert of_ours < 0.6 * of_bicubic < of_plain


def test_worn_photos_to_look_at_are_sharper(worn_pairs: Pairs) -> None:
    """Than those that are nearest to the truth; and not much further from it than bicubic."""
    psnr_db, sharpness = [], []
    for lr, hr in worn_pairs:
        pictures = [rgb.resize_bicubic(lr, 256, 256), *(Upscaler(load(name)).upscale(lr) for name in ("photo", "photogan"))]
        measured = [comparison.measure(hr, sr, scale=4, tile=32) for sr in pictures]
        psnr_db.append([of["psnr_db"] for of in measured])
        sharpness.append([of["sharpness"] for of in measured])
    bicubic, true, sharp = np.mean(psnr_db, axis=0)
    assert bicubic - 0.5 < sharp < true
    assert np.mean(sharpness, axis=0)[2] > 1.2 * np.mean(sharpness, axis=0)[1]


def by_four_pixels(photo: np.ndarray) -> np.ndarray:
    """A quarter of the size by the cubic of the four nearest pixels, without antialiasing, as OpenCV and browsers have it."""
    height, width = (length // 4 for length in photo.shape[:2])
    of_four = np.array([-3, 19, 19, -3]) / 32
    return rgb.to_uint8(np.einsum("yaxbc,a,b->yxc", photo.reshape(height, 4, width, 4, 3) / 255, of_four, of_four))


def by_pillow(method: Image.Resampling) -> Callable[[np.ndarray], np.ndarray]:
    return lambda photo: np.asarray(Image.fromarray(photo).resize((photo.shape[1] // 4, photo.shape[0] // 4), method))


@pytest.mark.parametrize(
    "make_small, gain, over_enlarging",
    [
        (by_pillow(Image.Resampling.LANCZOS), 0.8, -1.0),
        (by_pillow(Image.Resampling.BOX), 0.8, 0.0),
        (by_four_pixels, -0.1, 2.0),
    ],
    ids=["lanczos", "area", "four pixels"],
)
def test_photos_made_small_by_other_kernels_are_no_worse(
    pairs: Pairs, make_small: Callable[[np.ndarray], np.ndarray], gain: float, over_enlarging: float
) -> None:
    """Where nothing was averaged there are false waves. Who only enlarges sharpens them."""
    restoring, enlarging = (Upscaler(load(name)) for name in (model_info.RESTORING, model_info.ENLARGING))
    psnr_db = []
    for _, hr in pairs:
        lr = make_small(hr)
        pictures = [rgb.resize_bicubic(lr, 256, 256), restoring.upscale(lr), enlarging.upscale(lr)]
        psnr_db.append([metrics.psnr_ssim(hr, sr, border=4)[0] for sr in pictures])
    bicubic, ours, plain = np.mean(psnr_db, axis=0)
    assert ours > bicubic + gain
    assert ours > plain + over_enlarging


@pytest.mark.parametrize("degradation", [None, *degradations.KINDS])
@pytest.mark.parametrize("number", range(len(drawn.KINDS)))
def test_text_and_drawings_are_neither_blurred_nor_bent(number: int, degradation: str | None) -> None:
    """Restored, each kind of drawn picture is truer than by bicubic, and a clean one sharper too."""
    hr = drawn.picture(number)[48:208, 80:240]
    lr = degradations.degrade(hr, degradation, "drawn", 4) if degradation else rgb.resize_bicubic(hr, 40, 40)
    ours, bicubic = Upscaler(load(model_info.RESTORING)).upscale(lr), rgb.resize_bicubic(lr, 160, 160)
    for better, worse in zip(metrics.psnr_ssim(hr, ours, border=4), metrics.psnr_ssim(hr, bicubic, border=4), strict=True):
        assert better > worse
    # Noise and blocks count as sharp.
    assert degradation or metrics.sharpness(hr, ours) > metrics.sharpness(hr, bicubic)


def test_noise_falls_steadily_as_the_strength_grows(pairs: Pairs) -> None:
    lr = degradations.degrade(pairs[1][1], "cctv", "camera.jpg", 4)
    restoring, enlarging = load(model_info.RESTORING), load(model_info.ENLARGING)
    strengths = [Upscaler(restoring, enlarging=enlarging, denoise=denoise) for denoise in (0, 0.3, 0.6, 1)]
    noise = [metrics.flat_noise(pairs[1][1], upscaler.upscale(lr)) for upscaler in strengths]
    assert noise == sorted(noise, reverse=True)
    of_none = Upscaler.load(model_info.SHIPPED_MODELS / model_info.RESTORING, denoise=0)
    plain = Upscaler.load(model_info.SHIPPED_MODELS / model_info.ENLARGING)
    np.testing.assert_array_equal(of_none.upscale(lr), plain.upscale(lr))


@pytest.mark.parametrize("name", PHOTOS)
def test_each_photo_goes_to_its_network(name: str) -> None:
    """By its pixels alone, as if JPEGs had been saved as PNG."""
    hr = rgb.read_photo(rgb.SAMPLE / "photos" / name)
    hr = hr[: hr.shape[0] // 4 * 4, : hr.shape[1] // 4 * 4]
    assert not condition.examine(rgb.resize_bicubic(hr, hr.shape[0] // 4, hr.shape[1] // 4)).wear
    assert all(condition.examine(degradations.degrade(hr, kind, name, 4)).wear for kind in degradations.KINDS)


def one_bit(kind: str) -> np.ndarray:
    """A scan of 1 bit, as RGB: text on white, or a dithered photo."""
    if kind == "page":
        large = Image.new("L", (480, 480), 255)
        pen = ImageDraw.Draw(large)
        for y in range(10, 480, 48):
            pen.text((10, y), "The quick brown fox", fill=0, font=ImageFont.load_default(40))
        scan = large.resize((160, 160), Image.Resampling.BOX).convert("1", dither=Image.Dither.NONE)
    else:
        scan = Image.open(rgb.SAMPLE / "photos" / "cat.jpg").convert("L").resize((160, 120)).convert("1")
    return np.asarray(scan.convert("RGB"))


@pytest.mark.parametrize("kind", ["page", "dithered"])
def test_the_mean_of_a_1_bit_scan(kind: str) -> None:
    """It is kept by the network that `auto` takes. The other cuts off what overshoots; the page on formats says by how much."""
    scan = one_bit(kind)
    assert condition.examine(scan).wear, "auto takes what restores"
    changes = {}
    for model in (model_info.RESTORING, model_info.ENLARGING):
        changes[model] = Upscaler(load(model), precision="float32").upscale(scan).mean() - scan.mean()
    assert abs(changes[model_info.RESTORING]) < 1
    assert abs(changes[model_info.ENLARGING]) < 6

import pathlib
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame

from sr_keras.films import colour, film_info
from sr_keras.films.formats import FilmError
from tests.films import making
from tests.films.test_pipeline import upscale

BT601 = {"color_primaries": 6, "color_trc": 6, "colorspace": 6, "color_range": 1}
BT601_50_HZ = {"color_primaries": 5, "color_trc": 6, "colorspace": 5, "color_range": 1}
BT709 = {"color_primaries": 1, "color_trc": 1, "colorspace": 1, "color_range": 1}
BT709_FULL = {**BT709, "color_range": 2}
DISPLAY_P3 = {"color_primaries": 12, "color_trc": 13, "colorspace": 1, "color_range": 1}
PQ = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
HLG = {"color_primaries": 9, "color_trc": 18, "colorspace": 9, "color_range": 1}
HDR10 = "log-level=none:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"


def flat_film(path: pathlib.Path, levels: list[int], pixel_format: str, **options: Any) -> pathlib.Path:
    return making.make(path, making.flat(levels, pixel_format), pixel_format=pixel_format, **options)


@pytest.mark.parametrize(
    "tags", [BT601, BT601_50_HZ, BT709, BT709_FULL, DISPLAY_P3], ids=["601", "601 of 50 Hz", "709", "709 full", "P3"]
)
@pytest.mark.parametrize(
    "levels", [[90, 110, 180], [130, 90, 100], [80, 170, 115], [200, 128, 128]], ids=["red", "green", "blue", "grey"]
)
def test_colours_stay_what_they_were(tmp_path: pathlib.Path, tags: dict[str, int], levels: list[int]) -> None:
    """Read by another matrix or range, these would be off by 5 to 30 levels."""
    after, _ = upscale(flat_film(tmp_path / "film.mp4", levels, "yuv420p", **tags))
    assert after.colours == tuple(tags.values())
    for frame in after.frames:
        for plane, level in zip(making.planes(frame), levels, strict=True):
            assert np.abs(plane.astype(int) - level).max() <= 1


@pytest.mark.parametrize("tags", [PQ, HLG, BT709], ids=["PQ", "HLG", "10 bit"])
@pytest.mark.parametrize("levels", [[300, 400, 700], [801, 513, 511], [64, 512, 512]], ids=["red", "grey", "black"])
def test_deep_colours_stay_deep(tmp_path: pathlib.Path, tags: dict[str, int], levels: list[int]) -> None:
    """Within a quarter of a level of 8 bits."""
    film = flat_film(tmp_path / "film.mp4", levels, "yuv420p10le", **tags)
    after, _ = upscale(film, codec="h265")
    assert after.colours == tuple(tags.values())
    assert after.frames[0].format.name == "yuv420p10le"
    for plane, level in zip(making.planes(after.frames[0]), levels, strict=True):
        assert np.abs(plane.astype(int) - level).max() <= 1


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_hdr10_keeps_the_display_it_was_made_on(tmp_path: pathlib.Path, codec: str) -> None:
    film = flat_film(
        tmp_path / "film.mp4", [300, 500, 520], "yuv420p10le", encoder="libx265", options={"x265-params": HDR10}, **PQ
    )
    before = film_info.probe(film)
    assert (len(before.mastering), float(before.mastering[9]), before.light) == (10, 1000, (1000, 400))
    upscale(film, codec=codec)
    after = film_info.probe(film.with_name("large.mp4"))
    np.testing.assert_allclose([*map(float, after.mastering)], [*map(float, before.mastering)], atol=2e-4)
    assert after.light == before.light


@pytest.mark.parametrize(
    "height, tags",
    [(24, (2, 2, 6, 1)), (480, (6, 2, 6, 1)), (576, (5, 2, 5, 1)), (720, (2, 2, 1, 1))],
)
def test_what_a_film_leaves_open_is_said_by_its_result(tmp_path: pathlib.Path, height: int, tags: tuple[int, ...]) -> None:
    """Players take a small film for BT.601, and a large one for BT.709."""
    frames = making.flat([81, 90, 200], "yuv420p", count=1, height=height)
    after, _ = upscale(making.make(tmp_path / "film.mp4", frames), height=4 * height)
    assert after.colours == tags
    assert abs(int(making.planes(after.frames[0])[2][0, 0]) - 200) <= 1


@pytest.mark.parametrize("pixel_format", ["bgr0", "yuv444p", "gray", "yuv422p"])
def test_other_ways_to_store_colours(tmp_path: pathlib.Path, pixel_format: str) -> None:
    grey = np.full((24, 32, 3), 130, np.uint8)
    film = making.make(tmp_path / "film.mkv", 2 * [grey], encoder="ffv1", pixel_format=pixel_format)
    after, _ = upscale(film)
    rgb = after.frames[0].reformat(format="rgb24", src_color_range=1, dst_color_range=2).to_ndarray()
    assert np.abs(rgb.astype(int) - 130).max() <= 2


@pytest.mark.parametrize(
    "pixel_format, tags, black, white",
    [
        ("yuv420p", BT709, 16, 235),
        ("yuv420p10le", BT709, 64, 940),
        ("yuv420p10le", BT709_FULL, 0, 1023),
        ("yuv422p10le", PQ, 64, 940),
        ("gray", BT709, 16, 235),
        ("gray", BT709_FULL, 0, 255),
        ("gray10le", BT709, 64, 940),
        ("gray10le", BT709_FULL, 0, 1023),
    ],
)
def test_white_is_white_for_the_network_and_again_in_the_result(
    pixel_format: str, tags: dict[str, int], black: int, white: int
) -> None:
    for level, share in ((black, 0.0), (white, 1.0)):
        middle = 512 if white > 255 else 128
        [frame] = making.flat([level, middle, middle], pixel_format, count=1)
        frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = tags.values()
        converter = colour.Converter(colour.of_frame(frame))
        rgb = converter.to_rgb(frame)
        np.testing.assert_array_equal(rgb, round(share * np.iinfo(rgb.dtype).max))
        luma = making.planes(converter.to_frame(rgb, 64, 48))[0]
        np.testing.assert_array_equal(luma, level)


@pytest.mark.parametrize(
    "encoder, name, told, middle",
    [
        ("libx264", "film.mp4", {"chroma_sample_location": "left"}, False),
        ("libx264", "film.mp4", {"chroma_sample_location": "center"}, True),
        ("libx264", "film.mp4", {}, False),
        ("libsvtav1", "film.mp4", {}, False),
        ("ffv1", "film.mkv", {}, False),
        ("ffv1", "film.mkv", {"chroma_sample_location": "center"}, True),
        ("ffv1", "film.mkv", {"color_range": "pc"}, True),
        ("mjpeg", "film.mov", {"color_range": "pc"}, True),
    ],
)
def test_colours_stay_where_they_are(
    tmp_path: pathlib.Path, encoder: str, name: str, told: dict[str, str], middle: bool
) -> None:
    """An edge of chroma stays on that of luma: in a result, chroma lies on the left one of two pixels; in a film it may not.

    Where a film leaves it open it does, but in the full range it lies in the middle of them, as in JPEG.
    """
    frame = np.zeros((24, 32, 3), np.uint8)
    frame[:, :16], frame[:, 16:] = (180, 60, 60), (60, 140, 180)
    best = {"libx264": {"crf": "1"}, "libsvtav1": {"crf": "5"}, "mjpeg": {"q": "2"}}.get(encoder, {})
    film = making.make(tmp_path / name, 3 * [frame], encoder=encoder, options={**best, **told})
    after, _ = upscale(film, crf=1)

    def edge(levels: np.ndarray) -> float:
        return float((1 - (levels - levels[0]) / (levels[-1] - levels[0])).sum())

    def distance(picture: VideoFrame, chroma_lies: float) -> float:
        """From the edge of luma to that of chroma, whose first pixel lies so far behind the first one of luma."""
        luma, _, red = (plane[plane.shape[0] // 2].astype(float) for plane in making.planes(picture))
        return 2 * edge(red) - 0.5 + chroma_lies - edge(luma)

    before = distance(making.content(film).frames[0], 0.5 if middle else 0)
    assert distance(after.frames[0], 0) == pytest.approx(4 * before, abs=0.3)


def test_transparency_is_said_to_be_left_out(tmp_path: pathlib.Path) -> None:
    film = making.make(
        tmp_path / "film.mkv", making.flat([90, 128, 128, 100], "yuva420p", count=2), encoder="ffv1", pixel_format="yuva420p"
    )
    _, result = upscale(film)
    assert result.notes == ("its transparency is left out",)


def test_colours_that_cannot_be_computed_with_are_refused(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4", encoder="libx265", options={"x265-params": "log-level=none"}, colorspace=8)
    with pytest.raises(FilmError, match=r"film\.mp4: its colours are YCgCo, which can't be computed with"):
        film_info.probe(film)

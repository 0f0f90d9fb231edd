"""`--engine=auto` takes what was measured to be the fastest on this kind of processor."""

import pathlib

import pytest

from sr_keras.inference import engine, engine_speeds, model_info
from sr_keras.inference.engine_speeds import EngineSpeeds, Place
from sr_keras.runtime import processor

EDSR = model_info.newest_version(model_info.SHIPPED_MODELS / "edsr")


def speeds(kind: str, precision: str, family: str, *, openvino: float, tensorflow: float, start: float = 4) -> EngineSpeeds:
    """What was measured of TensorFlow, which needs some seconds to start, and of OpenVINO, which needs one."""
    place, libraries = Place(kind, precision, family), {"openvino": "2026.4.1", "tensorflow": "2.21.0"}
    starts = {"openvino": 1.0, "tensorflow": start}
    work = {"openvino": openvino, "tensorflow": tensorflow}
    return EngineSpeeds(place, "edsr", "Some CPU", 2, libraries, starts, work)


@pytest.fixture
def file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """In place of the file that `auto` goes by."""
    monkeypatch.setattr(engine, "_has_gpu", lambda: False)
    monkeypatch.setattr(processor, "kind", lambda: "avx9")
    monkeypatch.setattr(engine_speeds, "FILE", tmp_path / "speeds.json")
    engine_speeds.write(engine_speeds.FILE, [])
    return engine_speeds.FILE


def test_auto_takes_what_was_measured_to_be_the_fastest(file: pathlib.Path) -> None:
    family = engine_speeds.family(EDSR)
    elsewhere = [
        speeds("avx8", "float32", family, openvino=1, tensorflow=9),
        speeds("avx9", "bfloat16", family, openvino=1, tensorflow=8),
        speeds("avx9", "float32", "conv", openvino=1, tensorflow=7),
    ]
    engine_speeds.write(file, [*elsewhere, speeds("avx9", "float32", family, openvino=19.5, tensorflow=13)])
    assert engine.resolve("auto", EDSR, "auto") == (
        "tensorflow",
        "the fastest with avx9, as measured of edsr on Some CPU; "
        "seconds of 2 cores for start and megapixel: tensorflow 4.0 + 13.0, openvino 1.0 + 19.5",
    )
    # What a start takes counts too.
    engine_speeds.write(file, [speeds("avx9", "float32", family, openvino=19.5, tensorflow=13, start=5)])
    assert engine.resolve("auto", EDSR, "auto").name == "openvino"


def test_where_nothing_was_measured_a_rule_decides(file: pathlib.Path) -> None:
    name, why = engine.resolve("auto", EDSR, "float32")
    assert name == "openvino"
    assert why.startswith("not measured with avx9")


def test_what_is_measured_again_takes_the_place_of_what_was(file: pathlib.Path) -> None:
    first = speeds("avx9", "float32", "conv", openvino=2, tensorflow=1)
    kept = speeds("avx2", "float32", "conv", openvino=2, tensorflow=1)
    again = speeds("avx9", "float32", "conv", openvino=1, tensorflow=2)
    engine_speeds.write(file, [first, kept])
    engine_speeds.write(file, [again])
    assert engine_speeds.read(file) == [kept, again]
    file.write_text('[{"kind": "avx9"}]')
    with pytest.raises(ValueError, match="holds no measured engines"):
        engine_speeds.read(file)


def test_networks_of_the_same_layers_are_a_family() -> None:
    families = {
        name: engine_speeds.family(model_info.newest_version(model_info.SHIPPED_MODELS / name)) for name in model_info.shipped()
    }
    assert families["edsr"] == families["photo"] != families["espcn"]
    assert families["srgan"] == families["srresnet"] != families["lapsrn"]


def test_what_the_package_brings_is_measured() -> None:
    found = engine_speeds.read(engine_speeds.FILE)
    assert {each.place.family for each in found} == {
        engine_speeds.family(model_info.newest_version(model_info.SHIPPED_MODELS / name)) for name in model_info.shipped()
    }
    for each in found:
        assert set(each.seconds_per_megapixel) == set(each.start_seconds) == set(each.libraries) == {"openvino", "tensorflow"}

import pytest

from sr_keras import benchmark, export


@pytest.fixture
def network(interpolator):
    return export.Network(interpolator)


def test_upscaling_is_measured_in_one_run(network, monkeypatch):
    monkeypatch.setattr(benchmark, "_MATRIX_SIDE", 64)
    tile, rates, rows = benchmark.upscale(network, tile=12, repeats=1)
    assert tile == 12
    assert "float32" in rates
    names = [row.name for row in rows]
    assert names[:2] == ["plain Keras, float32", "fast form, float32"]
    plain, fast = rows[:2]
    assert plain.times_plain == 1
    assert fast.times_plain == pytest.approx(plain.seconds_per_megapixel / fast.seconds_per_megapixel)
    assert fast.gflops == pytest.approx(network.facts.operations / fast.seconds_per_megapixel / 1e3)
    assert fast.of_matrix_product == pytest.approx(fast.gflops / rates["float32"])


def test_the_table_is_printed(interpolator, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "_MATRIX_SIDE", 64)
    assert benchmark.main(["upscale", f"--model={interpolator}", "--tile=8", "--repeats=1"]) == 0
    out = capsys.readouterr().out
    assert "tiles of 8 pixels" in out
    assert "plain Keras, float32" in out


def test_a_missing_model_is_one_line(capsys):
    assert benchmark.main(["upscale", "--model=nowhere"]) == 2
    assert capsys.readouterr().err == "benchmark: nowhere: no such model folder\n"

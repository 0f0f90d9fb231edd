"""Training steps of several builds, in processes of their own."""

import sys

import pytest

from sr_keras.benchmark import __main__ as benchmark
from sr_keras.benchmark import contenders
from tests.conftest import ROOT


def test_another_build_is_timed_beside_this_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Itself, here; of the peers, one is looked for where it is not."""
    flags = ["--generator=espcn", "--hr_size=16", "--batch_size=1", "--repeats=2", f"--before={ROOT}"]
    assert benchmark.main(["train", *flags]) == 0
    out = capsys.readouterr().out
    assert "espcn, batches of 1, 4x4 to 16x16; 2 steps of each, in turns" in out
    rows = {line[:14].strip(): line[14:].split() for line in out.splitlines()[2:]}
    assert set(rows) == {contenders.OURS, contenders.BEFORE}
    assert rows[contenders.OURS][3:] == ["1.00", "1.00", "1.00"]
    assert all(float(value) > 0 for row in rows.values() for value in row)


def test_a_peer_that_is_not_installed_is_left_out_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "_sr_keras", lambda *_: None)
    with contenders.started(["espcn", "16", "1", "float32"], None, [sys.executable]) as (started, left_out):
        assert len(started) == 1
    assert left_out[0] == f"PyTorch: left out, for it is not installed in {sys.executable}"


@pytest.mark.parametrize("flags, reason", [(["--before=nowhere"], "neither a folder nor a commit"), (["--hr_size=17"], "of 4")])
def test_wrong_use_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, flags: list[str], reason: str
) -> None:
    real = contenders._sr_keras
    monkeypatch.setattr(contenders, "_sr_keras", lambda *a: real(*a) if a[1] != contenders.OURS else None)
    assert benchmark.main(["train", *flags]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert reason in line

import pytest

# It isn't there for Python 3.10.
pytest.importorskip("av", minversion="18.1", exc_type=ImportError)

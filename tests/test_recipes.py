"""The recipes: flagfiles that train.py understands, each of which begins where another one ends."""

import graphlib
import pathlib

import pytest

from sr_keras.inference import model_info
from sr_keras.training.options import Options
from tests.training.test_options import parse

ROOT = pathlib.Path(__file__).parent.parent
RUNS = "saved_models/runs/"


@pytest.fixture(scope="module")
def recipes() -> dict[str, Options]:
    """The options of each recipe by its name, in the order in which a shell lists them."""
    return {path.stem: parse(f"--flagfile={path}") for path in sorted((ROOT / "recipes").glob("*.flags"))}


def network(recipe: str) -> str:
    return recipe.split("_")[0]


def test_each_shipped_network_has_its_recipe(recipes: dict[str, Options]) -> None:
    assert set(map(network, recipes)) == set(model_info.shipped())


def test_a_recipe_begins_where_another_one_ends(recipes: dict[str, Options]) -> None:
    ending = {options.run_dir: name for name, options in recipes.items() if options.run_dir}
    before = {}
    for name, options in recipes.items():
        sources = [source for source in (options.init, options.teacher) if source and source.startswith(RUNS)]
        assert set(sources) <= set(ending), f"{name} needs {sources}"
        before[name] = [ending[source] for source in sources]
        # Of an edsr can be grown what srgan names.
        assert all(recipes[needed].generator in (options.generator, "edsr") for needed in before[name])
    graphlib.TopologicalSorter(before).prepare()  # raises an error for a circle
    # The recipes of one network run in the order in which a shell lists them.
    assert all(needed < name for name in recipes for needed in before[name] if network(needed) == network(name))

"""The recipes: flagfiles that train.py understands, each of which begins where another one ends."""

import graphlib
import json
import pathlib
import subprocess
import sys

import pytest

from sr_keras import facts

ROOT = pathlib.Path(__file__).parent.parent
RUNS = "saved_models/runs/"

# In a process of its own: flags are one for each process.
PARSE = """
import json, sys
import train
for recipe in sys.argv[1:]:
    for name in train.FLAGS:
        train.FLAGS[name].unparse()
    train.FLAGS(["train.py", f"--flagfile={recipe}"])
    print(json.dumps(train.FLAGS.flag_values_dict()))
"""


@pytest.fixture(scope="module")
def recipes():
    """The flags of each recipe by its name, in the order in which a shell lists them."""
    paths = sorted((ROOT / "recipes").glob("*.flags"))
    process = subprocess.run([sys.executable, "-c", PARSE, *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = process.stdout.splitlines()
    return {path.stem: json.loads(line) for path, line in zip(paths, lines, strict=True)}


def network(recipe):
    return recipe.split("_")[0]


def test_each_shipped_network_has_its_recipe(recipes):
    assert set(map(network, recipes)) == set(facts.shipped())


def test_a_recipe_begins_where_another_one_ends(recipes):
    ending = {flags["run_dir"]: name for name, flags in recipes.items() if flags["run_dir"]}
    before = {}
    for name, flags in recipes.items():
        sources = [source for source in (flags["init"], flags["teacher"]) if source and source.startswith(RUNS)]
        assert set(sources) <= set(ending), f"{name} needs {sources}"
        before[name] = [ending[source] for source in sources]
        # Of an edsr can be grown what srgan names.
        assert all(recipes[needed]["generator"] in (flags["generator"], "edsr") for needed in before[name])
    graphlib.TopologicalSorter(before).prepare()  # raises an error for a circle
    # The recipes of one network run in the order in which a shell lists them.
    assert all(needed < name for name in recipes for needed in before[name] if network(needed) == network(name))

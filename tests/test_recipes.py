"""The recipes: flagfiles that train.py understands, each of which begins where an earlier one ends."""

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


def test_each_shipped_network_has_its_recipe(recipes):
    assert {name.split("_")[0] for name in recipes} == set(facts.shipped())


def test_a_recipe_begins_where_an_earlier_one_ends(recipes):
    ended = {}
    for name, flags in recipes.items():
        for source in (flags["init"], flags["teacher"]):
            if source and source.startswith(RUNS):
                assert source in ended, f"{name} needs {source}"
                # Of an edsr can be grown what srgan names.
                assert ended[source] in (flags["generator"], "edsr")
        if flags["run_dir"]:
            ended[flags["run_dir"]] = flags["generator"]

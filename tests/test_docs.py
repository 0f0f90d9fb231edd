"""The documentation names what there is: commands, options, networks, files, tests, pages. It needs no TensorFlow."""

import ast
import configparser
import functools
import itertools
import pathlib
import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest

from sr_keras import __main__
from sr_keras.inference import model_info
from tests.conftest import ROOT

# Not the changes: they may name what has gone.
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name / "README.md" for name in ("data_prep", "examples", "saved_models")),
    ]
    if path.name != "CHANGELOG.md"
)

OPTION = re.compile(r"(?<![\w-])--([A-Za-z][\w-]*)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?:sr_keras|tests|data_prep|benchmarks|recipes|docs|examples)/[\w/.-]+")
CODE = re.compile(r"`([^`]+)`")
# The commands of other programs, whose options are not ours.
FOREIGN = re.compile(r"^(docker|curl|unzip|tensorboard|pip|pre-commit|git|kubectl|\S*pytest)\b")


@functools.cache
def sources(command: str) -> tuple[pathlib.Path, ...]:
    """The files of a command of `sr-keras`: its module, or all modules of its room."""
    module, _ = __main__._COMMANDS[command]
    path = ROOT / (module.replace(".", "/") + ".py")
    return (path,) if path.parent == ROOT / "sr_keras" else tuple(sorted(path.parent.glob("*.py")))


@functools.cache
def options(path: pathlib.Path) -> frozenset[str]:
    """The options that a file defines, without their dashes: of its `add_argument`s, or the fields of a training's options."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument"
    ]
    texts = [
        argument.value
        for call in calls
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    if path.match("training/options.py"):
        [options_class] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Options"]
        fields = [ast.unparse(node.target) for node in options_class.body if isinstance(node, ast.AnnAssign)]
        texts += [f"--{name}" for name in [*fields, *(f"no{name}" for name in fields), "flagfile"]]
    return frozenset(text[2:] for text in texts if text.startswith("--")) | {"help", "version"}


def options_of(command: str) -> frozenset[str]:
    """Those of a command as it is typed: `sr-keras train`, `python data_prep/convert_rgb.py`.

    Raises:
        AssertionError: there is no such command.
    """
    words = shlex.split(command, comments=True)
    if words[0] == "python" and words[1] == "-m":
        words = words[2].split(".", 1) + words[3:]
        words[0] = {"sr_keras": "sr-keras"}.get(words[0], words[0])
    elif words[0] == "python" and words[1] in ("train.py", "upscale.py"):
        words = ["sr-keras", words[1].removesuffix(".py")]
    if words[0] == "sr-keras":
        name = words[1]
        # An option of `sr-keras` itself, or a placeholder.
        if name.startswith(("-", "<")) or name.isupper():
            return frozenset({"help", "version"})
        assert name in __main__._COMMANDS, f"{command}: there is no such command"
        return frozenset().union(*map(options, sources(name)))
    script = ROOT / words[1]
    assert words[0] == "python" and script.is_file(), f"{command}: there is no such script"
    # It shares its options with the command.
    shared = options_of("sr-keras evaluate") if script.name == "real_esrgan.py" else frozenset()
    return options(script) | shared


def all_options() -> frozenset[str]:
    scripts = [*(ROOT / "data_prep").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    files = itertools.chain(*map(sources, __main__._COMMANDS), scripts)
    return frozenset().union(*map(options, files))


def commands(page: str) -> Iterator[str]:
    """What a page says to type, as one line each, in blocks of shell and in code within a line."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block for language, block in FENCE.findall(text) if language in ("sh", "bash", "shell")]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = [" ".join(code.split()) for code in CODE.findall(FENCE.sub("", text))]
    for line in [*lines, *inline]:
        # In a pipe, in a container, or with variables set before it.
        found = re.search(r"(?:^|[|;&] ?|\w=\S+ |exec |sr-keras )((?:sr-keras|python) .*)", line.split(" #")[0])
        if found and not line.startswith("docker build"):
            yield found[1].split(" | ")[0].split(" > ")[0].split("; do")[0].split(" || ")[0]


def anchors(path: pathlib.Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_each_command_and_its_options_exist(page: str) -> None:
    for command in commands(page):
        unknown = set(OPTION.findall(command)) - options_of(command)
        assert not unknown, f"{page}: {command}"


@pytest.mark.parametrize("page", PAGES)
def test_each_option_that_is_named_alone_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    codes = [code for code in CODE.findall(FENCE.sub("", text)) if not FOREIGN.match(code)]
    named = {name for code in codes for name in OPTION.findall(code)}
    assert named <= all_options()


@pytest.mark.parametrize("page", PAGES)
def test_each_bundled_network_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:--model=|--teacher=|-m |Upscaler\.load\(\")([a-z]\w*)", text))
    assert named <= {*model_info.PURPOSES, model_info.AUTO, "sr_keras"}


@pytest.mark.parametrize("page", PAGES)
def test_each_file_and_each_test_that_is_named_exists(page: str) -> None:
    codes = CODE.findall(FENCE.sub("", (ROOT / page).read_text(encoding="utf-8")))
    assert [name for name in codes if PATH.fullmatch(name) and not (ROOT / name).exists()] == []
    tests = {code for code in codes if re.fullmatch(r"test_\w+", code)}
    defined = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")) if tests else ""
    assert [name for name in tests if f"def {name}(" not in defined] == []


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_each_module_and_each_name_in_it_exists(page: str) -> None:
    """`training/steps`, `photos/rgb.py`, `photos/rgb.WRITABLE_SUFFIXES`."""
    text = (ROOT / page).read_text(encoding="utf-8")
    rooms = "|".join(path.parent.name for path in (ROOT / "sr_keras").glob("*/__init__.py"))
    found = re.findall(rf"(?<![\w/])({rooms})/([a-z_]+)(?:\.(\w+))?", text)
    assert len(found) > 5
    for room, module, name in found:
        path = ROOT / "sr_keras" / room / module
        if path.is_dir():
            continue
        source = path.with_suffix(".py").read_text(encoding="utf-8")
        if name not in ("", "py"):
            assert re.search(rf"^(?:def |class )?{name}\b", source, re.MULTILINE), f"{page}: {room}/{module}.{name}"


@pytest.mark.parametrize("page", PAGES)
def test_each_link_within_the_repository_leads_somewhere(page: str) -> None:
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (ROOT / page).parent / place if place else ROOT / page
        assert path.exists(), f"{page}: {target}"
        # A page that includes a text has that text's headings; `make docs` checks those.
        if anchor and "--8<--" not in path.read_text(encoding="utf-8"):
            assert anchor in anchors(path), f"{page}: {target}"


def test_each_extra_and_each_target_of_make_that_is_named_exists() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert {name for names in re.findall(r"\[([a-z,]+)\]'", text) for name in names.split(",")} <= {
            *setup["options.extras_require"]
        }
        assert {*re.findall(r"(?:^|`)make ([a-z][\w-]*)", text, re.MULTILINE)} <= targets


def test_each_extra_is_described() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    described = re.findall(r"^\| (`.+`) \|", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for names in described for name in CODE.findall(names)} == {*setup["options.extras_require"]}


def test_the_site_has_each_page_and_each_room() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(re.findall(r"[\w/]+\.md", config)) - {"package.md"} == pages - {"package.md"}
    rooms = {path.parent.name for path in (ROOT / "sr_keras").glob("*/__init__.py")}
    assert rooms == {path.stem for path in (ROOT / "docs" / "reference").glob("*.md")} - {"api"}


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_no_page_is_left_out() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert set(PAGES) >= {name for name in listed if not name.startswith("sr_keras/")} - {"CHANGELOG.md"}

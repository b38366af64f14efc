"""What the documents say is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from transcriber import errors
from transcriber.commands import Commands
from transcriber.texts import LANGUAGES, Words

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "transcriber"
README = {"en": ROOT / "README.md", "ru": ROOT / "README.ru.md"}
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
ARCHITECTURE, OPERATIONS = ROOT / "docs" / "architecture.md", ROOT / "docs" / "operations.md"


def _section(file: Path, title: str) -> str:
    """The text below a heading, up to the next one of the same depth."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", file.read_text("utf-8"), re.S | re.M)
    assert found, f"{file.name} has no section {title!r}"
    return found[1]


def _first_cells(text: str) -> list[str]:
    """What stands in backticks at the beginning of each row of a table."""
    return re.findall(r"^\| `([^`]+)`", text, re.M)


def _names_in_table() -> set[str]:
    """The commands that exist; the table's keys are all that is looked at, so nothing has to be wired."""
    nothing: dict[str, None] = dict.fromkeys(
        ("people", "models", "state", "intake", "status", "retries", "privacy", "say", "spawn")
    )
    return set(Commands(**nothing).table)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_readme_names_exactly_the_commands_that_exist_and_that_help_names(language: str) -> None:
    title = {"en": "Commands", "ru": "Команды"}[language]
    documented = {name.removeprefix("/") for name in _first_cells(_section(README[language], title))}
    helped = set(re.findall(r"^/(\w+)", Words(language)("help"), re.M))
    assert documented == helped == _names_in_table()


def test_both_readmes_have_the_same_shape() -> None:
    shapes = []
    for file in README.values():
        text = file.read_text("utf-8")
        kinds = [re.match(r"#+|\||```|- |\d\.|<img", line) for line in text.splitlines()]
        shapes.append([kind[0] for kind in kinds if kind])
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_leads_to_something_that_is_there(file: Path) -> None:
    text = file.read_text("utf-8")
    for target in [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'src="([^"]+)"', text)]:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = file.parent / path if path else file
        assert there.exists(), target
        if anchor:
            assert anchor in _anchors(there), target


def _anchors(file: Path) -> list[str]:
    titles = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.M)
    return [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


def test_the_architecture_has_one_line_for_each_module() -> None:
    modules = {file.stem for file in PACKAGE.glob("*.py")} - {"__init__"}
    listed = _first_cells(_section(ARCHITECTURE, "Parts"))
    assert set(listed) == modules
    assert len(listed) == len(modules)


def test_the_architecture_lists_every_redis_key() -> None:
    listed = set(_first_cells(_section(ARCHITECTURE, "Redis keys")))
    source = "\n".join(file.read_text("utf-8") for file in PACKAGE.glob("*.py"))
    assert listed == set(re.findall(r"vt:[a-z_]+", source))
    promised = re.findall(r"^(vt:[a-z_]+)", (PACKAGE / "state.py").read_text("utf-8"), re.M)
    assert promised
    assert set(promised) <= listed


def test_the_architecture_explains_every_error() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type)} - {"TranscriberError"}
    assert set(_first_cells(_section(ARCHITECTURE, "Errors"))) == kinds


def test_imports_go_only_where_the_architecture_allows() -> None:
    for module in ("voice", "errors"):
        assert not re.search(r"^from (transcriber|config)", (PACKAGE / f"{module}.py").read_text("utf-8"), re.M)
    for file in PACKAGE.glob("*.py"):
        assert not re.search(r"^\s*(from|import) config\b", file.read_text("utf-8"), re.M), file.name


def test_the_linter_enforces_the_libraries_that_the_architecture_names() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    allowed = {path for path, rules in lint["per-file-ignores"].items() if path.startswith("transcriber/")}
    named = set(
        re.findall(r"`(\w+)`", _section(ARCHITECTURE, "Who may import what").split("enforces it:")[1].split(".")[0])
    )
    assert named == set(re.findall(r"\w+", " ".join(path[12:-3] for path in allowed)))


def test_the_operations_guide_explains_every_exit_code() -> None:
    source = (ROOT / "config" / "__init__.py").read_text("utf-8")
    codes = re.search(r"^EXIT_.* = ([\d, ]+)$", source, re.M)
    assert codes
    documented = re.findall(r"^\| (\d) \|", _section(OPERATIONS, "Exit codes"), re.M)
    assert documented == ["0", "1", *codes[1].split(", ")]


def test_the_troubles_are_named_in_the_programs_own_words() -> None:
    table = tomllib.loads((PACKAGE / "texts.toml").read_text("utf-8"))
    sentences = "\n".join(re.sub(r"\{\w+\}", "…", entry["en"]) for entry in table.values())
    troubles = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", _section(OPERATIONS, "What a trouble means"), re.M)
    for trouble in [part.strip() for row in troubles[1:] for part in row.split(";")]:
        assert trouble in sentences, trouble

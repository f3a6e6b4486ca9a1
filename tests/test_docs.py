import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from clv.config import Settings
from jobs.catalog import JOBS
from jobs.cli import app
from warehouse import outputs, sqlfiles

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = README + "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
CONFIG = (ROOT / "config.toml").read_text(encoding="utf-8")


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _keys(kind, f"{prefix}{name}.")
        elif prefix:
            found.append(f"{prefix}{name}")
    return found


def test_every_setting_stands_in_config_toml_with_its_default():
    written = tomllib.loads(CONFIG)

    # the four sources share one shape: the first is written out, the others name only their files
    for dotted in _keys(Settings):
        *sections, key = dotted.split(".")
        if sections[0] == "sources" and sections[1] != "transactions":
            continue
        place = written
        for section in sections:
            place = place[section]
        assert key in place or f"# {key} =" in CONFIG, f"{dotted} is not in config.toml"
    defaults = Settings.model_validate(written)
    assert defaults.model_dump(exclude={"root", "paths"}) == Settings().model_dump(exclude={"root", "paths"})


def test_every_make_target_has_its_line_of_help():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split())

    helped = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))

    assert phony - helped == {"up"}  # another word for run


@pytest.mark.parametrize("job", sorted(JOBS))
def test_every_job_is_in_the_readme(job):
    assert f"`{job}`" in README


@pytest.mark.parametrize(
    "command", sorted(c.name or c.callback.__name__ for c in app.registered_commands if not c.hidden)
)
def test_every_command_is_in_the_readme(command):
    assert re.search(rf"`[^`\n]*\b{command}\b[^`\n]*`", README)


@pytest.mark.parametrize("page", sorted((ROOT / "dashboard" / "pages").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_page_is_in_the_readme(page):
    path = re.search(r'\bpath="([^"]+)"', page.read_text(encoding="utf-8"))

    assert path is None or f"`{path[1]}`" in README


def test_the_data_dictionary_is_what_the_sql_says():
    dictionary = _script("dictionary")

    assert dictionary.is_current(dictionary.TARGET.read_text(encoding="utf-8"), sqlfiles.read_tree()), (
        "run `make dictionary`"
    )


def test_an_edited_data_dictionary_is_noticed():
    dictionary, files = _script("dictionary"), sqlfiles.read_tree()
    text = dictionary.TARGET.read_text(encoding="utf-8")

    assert not dictionary.is_current(text.replace("net", "gross", 1), files)
    assert not dictionary.is_current(text, {name: file for name, file in files.items() if name != "core.orders"})


def test_every_table_and_query_is_in_the_data_dictionary():
    text = _script("dictionary").TARGET.read_text(encoding="utf-8")
    named = [file.name for file in sqlfiles.read_tree().values() if file.folder != "checks"]

    assert [
        name for name in [*named, *(f"outputs.{one}" for one in outputs.TABLES)] if f"### {name}\n" not in text
    ] == []


def test_every_link_between_documents_leads_somewhere():
    for source in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", source.read_text(encoding="utf-8")):
            assert (source.parent / target).exists(), f"{source.name} links to {target}"


def test_no_file_names_a_registry_host_or_a_path_of_a_machine():
    forbidden = ("/work/" + "main", "/root/" + ".", "pypi." + "org", "files." + "pythonhosted")
    for path in ROOT.rglob("*"):
        if path.suffix in {".py", ".md", ".toml", ".txt", ".sql", ".sh", ".css", ".js"} and not (
            {".venv", "data", ".git"} & set(path.relative_to(ROOT).parts)
        ):
            text = path.read_text(encoding="utf-8")
            assert not [word for word in forbidden if word in text], path

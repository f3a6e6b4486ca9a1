"""Walks the whole site as a reader would: pages, their choices, cards, what each card shows and where it leads.

Nothing here knows a page: addresses come from the files of `dashboard/pages`, from the choices that stand on a page and
from its links; cards from what is drawn. So a page or card of tomorrow is walked without a line added here.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

PAGES = Path(__file__).parents[2] / "dashboard" / "pages"
LOCATION = "_pages_location"
N_OPTIONS = 5
"""So many of a control's options are taken; a list that is longer is one of names, all alike."""
N_ALIKE = 2
"""Links of a page to itself that differ only in what they choose are followed so often."""


@dataclass(frozen=True)
class PageFile:
    """A page, as its file registers it."""

    name: str
    path: str
    """With `<variable>` where one stands."""
    group: str
    """Of the sidebar; that of its parent for a page that the sidebar does not list."""

    @property
    def is_template(self) -> bool:
        return "<" in self.path


def _page_files() -> list[PageFile]:
    """The pages, read from their files: tests are named before there is an app that could be asked."""
    found = {}
    for file in sorted(PAGES.glob("[a-z]*.py")):
        syntax = ast.parse(file.read_text(encoding="utf-8"))
        calls = (node for node in ast.walk(syntax) if isinstance(node, ast.Call))
        call = next(call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "register_page")
        found[file.stem] = {str(word.arg): _value(word.value, syntax) for word in call.keywords}
    found = {name: said for name, said in found.items() if "path" in said or "path_template" in said}
    groups = {said["path"]: said["group"] for said in found.values() if "group" in said}
    return [
        PageFile(name, said.get("path") or said["path_template"], said.get("group") or groups[said["parent"]])
        for name, said in found.items()
    ]


def _value(value: ast.expr, syntax: ast.Module) -> Any:
    """A constant, or the constant that a name was imported for."""
    if not isinstance(value, ast.Name):
        return getattr(value, "value", None)
    imports = (node for node in syntax.body if isinstance(node, ast.ImportFrom))
    return next(
        getattr(importlib.import_module(str(line.module)), value.id)
        for line in imports
        if value.id in [alias.name for alias in line.names]
    )


PAGE_FILES = _page_files()


@dataclass
class Node:
    """A drawn component, with its way up."""

    kind: str
    props: Mapping[str, Any]
    parent: Node | None = None
    children: list[Node | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return str(self.props.get("className") or "").split()

    @property
    def id(self) -> Any:
        return self.props.get("id")

    def walk(self) -> Iterator[Node]:
        """This node and all below it, outside in."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def up(self) -> Iterator[Node]:
        """The nodes around this one, inside out."""
        at = self.parent
        while at is not None:
            yield at
            at = at.parent

    def find(self, *classes: str) -> Iterator[Node]:
        """The nodes here that have one of *classes*."""
        return (node for node in self.walk() if set(classes) & set(node.classes))

    def words(self, *, without: Callable[[Node], bool] = lambda node: False) -> str:
        """All that is read here, in order; nothing from nodes that are to be left out."""
        parts = []
        for child in self.children:
            if isinstance(child, str):
                parts.append(child)
            elif not without(child):
                parts.append(child.words(without=without))
        return " ".join(part for part in parts if part)


def tree(drawn: Any) -> Node:
    """What a callback answered, as nodes."""
    return _node({"type": "Page", "props": {"children": drawn}}, None)


def _node(raw: Any, parent: Node | None) -> Node:
    node = Node(raw["type"], raw["props"], parent)
    children = raw["props"].get("children")
    for child in children if isinstance(children, list) else [children]:
        node.children += _children(child, node)
    return node


def _children(child: Any, parent: Node) -> list[Node | str]:
    if child is None:
        return []
    if isinstance(child, list):
        return [one for part in child for one in _children(part, parent)]
    if isinstance(child, dict) and "props" in child:
        return [_node(child, parent)]
    return [str(child)]


@dataclass(frozen=True)
class Drawn:
    """A page at an address."""

    page: PageFile
    href: str
    root: Node

    @property
    def cards(self) -> list[Node]:
        """Panels, headline numbers and lines of insight; a card inside another is part of it."""
        marks = {"panel", "insight"}
        found = [node for node in self.root.walk() if marks & set(node.classes)]
        return [node for node in found if not any(marks & set(above.classes) for above in node.up())]

    @property
    def links(self) -> list[Node]:
        """What leads to another address of ours."""
        return [node for node in self.root.walk() if str(node.props.get("href") or "").startswith("/")]


def title_of(card: Node) -> str:
    """What a card is called; an insight by its first words."""
    head = next((node for node in card.walk() if node.kind == "H2"), None)
    return head.words() if head else card.words()[:40]


def sql_buttons(card: Node) -> list[Node]:
    """The `</>` buttons of a card."""
    return [node for node in card.walk() if isinstance(node.id, dict) and node.id.get("type") == "show-sql"]


def draw(client: Any, page: PageFile, href: str) -> Drawn:
    """The page at *href*, with all that its callbacks add when it is opened."""
    parts = urlsplit(href)
    search = f"?{parts.query}" if parts.query else ""
    drawn = client.page(unquote(parts.path), search)
    return Drawn(page, href, tree(filled(client, drawn, parts.path, search)))


def filled(client: Any, drawn: Any, pathname: str, search: str) -> Any:
    """*drawn* with the answers of the callbacks that run when a page is opened and write its children."""
    known = {node["props"]["id"]: node for node in _raw(drawn) if isinstance(node["props"].get("id"), str)}
    location = {"pathname": pathname, "search": search}
    for entry in client.app._callback_list:
        outputs = [part.rpartition(".") for part in entry["output"].strip(".").split("...")]
        if entry.get("clientside_function") or entry["prevent_initial_call"]:
            continue
        if not all(id_ in known and prop == "children" for id_, _, prop in outputs):
            continue
        sent = [
            [
                {
                    **one,
                    "value": location.get(one["property"])
                    if one["id"] == LOCATION
                    else known[one["id"]]["props"].get(one["property"]),
                }
                for one in entry[side]
                if one["id"] == LOCATION or one["id"] in known
            ]
            for side in ("inputs", "state")
        ]
        answer = client.post(f"{outputs[0][0]}.children", *sent)
        assert answer.status_code == 200, answer.text
        for id_, props in answer.get_json()["response"].items():
            known[id_]["props"].update(props)
    return drawn


def _raw(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and "props" in node:
        yield node
        yield from _raw(node["props"].get("children"))
    elif isinstance(node, list):
        for child in node:
            yield from _raw(child)


def addresses(client: Any, page: PageFile, fill: Mapping[str, list[str]]) -> list[Drawn]:
    """The page as it opens, then once for each choice on it, and for some of its links to itself.

    Args:
        client: speaks to the app.
        page: which page.
        fill: `<variable>` of a path → its values, such as ids of customers.
    """
    start = [page.path]
    for variable in re.findall(r"<([^>]+)>", page.path):
        start = [path.replace(f"<{variable}>", value) for path in start for value in fill[variable]]
    found = []
    for href in start:
        first = draw(client, page, href)
        others = [draw(client, page, other) for other in _choices(first)]
        known = {node.id["key"] for node in _controls(first)}
        # What can be chosen only in a part of the page that it does not open with.
        inner = {deeper: None for other in others for deeper in _choices(other, known)}
        found += [first, *others, *(draw(client, page, deeper) for deeper in inner)]
    return found


def _controls(drawn: Drawn) -> list[Node]:
    """What writes itself into the address."""
    return [node for node in drawn.root.walk() if isinstance(node.id, dict) and node.id.get("type") == "url"]


def _choices(drawn: Drawn, known: Collection[str] = ()) -> list[str]:
    """Addresses of the same page that differ in one choice; only choices other than those *known*, if there are any."""
    parts = urlsplit(drawn.href)
    path, now = parts.path, dict(parse_qsl(parts.query)) if known else {}
    found = {}
    for node in _controls(drawn):
        if node.id["key"] not in known:
            options = node.props.get("options") or []
            values = [option["value"] if isinstance(option, dict) else option for option in options]
            others = [value for value in values if value not in (node.id["default"], node.props.get("value"))]
            for value in others[:N_OPTIONS]:
                found[f"{path}?{urlencode({**now, node.id['key']: value})}"] = None
    if known:
        return list(found)
    alike: dict[tuple[str, ...], int] = {}
    for node in drawn.links:
        parts = urlsplit(node.props["href"])
        kind = tuple(sorted(key for key, _ in parse_qsl(parts.query)))
        if parts.path == path and kind and alike.get(kind, 0) < N_ALIKE:
            alike[kind] = alike.get(kind, 0) + 1
            found[f"{path}?{parts.query}"] = None
    return list(found)

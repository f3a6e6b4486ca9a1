"""Every mark of every page that leads to customers: the list that it opens has exactly as many as the mark says.

Marks are found by walking (`site_walk`): bars, cells, bubbles, lines of tables, points of figures, links of sentences.
"""

import re
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import pytest

from dashboard.customer_list import PATH, grid_of, wanted

from .conftest import DEMO, SHOPS
from .site_walk import PAGE_FILES, Node, tree

NUMBER = r"(\d[\d,]*)"
SHARE = re.compile(rf"(\d[\d.,]*)% of {NUMBER} customers")
"""A cell of a cohort: how many of it are behind the cell."""
COUNTS = (rf"{NUMBER} customers?\b(?! \(month)", rf"^{NUMBER} went\b", rf"{NUMBER} ×")
NOT_THE_COUNT = re.compile(rf"cohorts? of {NUMBER} customers|% of {NUMBER} customers")


def marks_of(pages):
    """(address of the page, link) of all that leads to a list of customers."""
    return [
        (drawn.href, node)
        for drawn in pages
        for node in [*points_of(drawn), *drawn.links]
        if urlsplit(node.props["href"]).path == PATH and urlsplit(node.props["href"]).query
    ]


def points_of(drawn):
    """The points of figures that can be clicked, with the words that show when the pointer is on them."""
    found = []
    for graph in (node for node in drawn.root.walk() if node.kind == "Graph"):
        for trace in graph.props["figure"]["data"]:
            hrefs = (trace.get("meta") or {}).get("hrefs") or []
            said = trace.get("customdata") or []
            for at, href in enumerate(hrefs):
                words = said[at] if at < len(said) and isinstance(said[at], str) else ""
                if href:
                    found.append(Node("Point", {"href": href, "title": words}, graph))
    return found


def shown_count(link):
    """The number of customers that a mark says are behind it; None when it names none."""
    said = f"{_title(link)} | {link.words()}"
    plain = NOT_THE_COUNT.sub("", said)
    for pattern in COUNTS:
        if found := re.search(pattern, plain.strip(" |")):
            return _int(found[1])
    for part in [link, *link.find("row-value", "row-note", "rank-note")]:
        if re.fullmatch(NUMBER, part.words()):
            return _int(part.words())
    row = next((node for node in link.up() if node.kind == "Tr"), None)
    if row is not None and (count := _column(row, "Customers")) is not None:
        return count
    sentence = next((node for node in link.up() if "insight" in node.classes), None)
    counts = re.findall(COUNTS[0], sentence.words()) if sentence else []
    return _int(counts[0]) if len(counts) == 1 else None


def shown_share(link):
    """(share in words, of how many) for a cell that says which share of a cohort is behind it."""
    found = SHARE.search(_title(link))
    return (f"{found[1]}%", _int(found[2])) if found else None


def _title(link):
    cell = next((node for node in link.up() if node.kind == "Td"), None)
    return str(link.props.get("title") or (cell and cell.props.get("title")) or "")


def _column(row, head):
    """The number in the cell of *row* below *head*."""
    table = next(node for node in row.up() if node.kind == "Table")
    heads = [node.words() for node in table.walk() if node.kind == "Th" and node.props.get("scope") == "col"]
    cells = [node for node in row.walk() if node.kind in ("Td", "Th")]
    if head not in heads or len(cells) != len(heads):
        return None
    words = cells[heads.index(head)].words()
    return _int(words) if re.fullmatch(NUMBER, words) else None


def _int(text):
    return int(text.replace(",", ""))


def listed(client, href):
    """How many rows the grid of the list at *href* says that it has, asked as it asks when the page has opened."""
    search = f"?{urlsplit(href).query}"
    grid = next(node for node in tree(client.page(PATH, search)).walk() if node.id == "customers-grid")
    request = {"startRow": 0, "endRow": 1, "sortModel": [], "filterModel": grid.props["filterModel"]}
    response = client.post(
        "customers-grid.getRowsResponse",
        [{"id": "customers-grid", "property": "getRowsRequest", "value": request}],
        [{"id": "_pages_location", "property": "search", "value": search}],
    )
    assert response.status_code == 200, f"{href}: {response.text[:300]}"
    return response.get_json()["response"]["customers-grid"]["getRowsResponse"]["rowCount"]


def counted(shop, href):
    """The same, asked of the grid alone: the curves of one page have a thousand points."""
    query = urlsplit(href).query
    return grid_of(shop.site.warehouse).count(wanted(query), dict(parse_qsl(query)).get("build"))


@pytest.mark.parametrize("page", PAGE_FILES, ids=[page.name for page in PAGE_FILES])
@pytest.mark.parametrize("shop", SHOPS)
def test_every_mark_opens_exactly_the_customers_that_it_counts(shop_called, shop, page):
    shop = shop_called(shop)
    wrong, rows = [], {}

    for at, link in marks_of(shop.drawn(page)):
        href = link.props["href"]
        if href not in rows:
            rows[href] = counted(shop, href) if link.kind == "Point" else listed(shop.client, href)
        count, share = shown_count(link), shown_share(link)
        if share is not None and shop.site.words.share(rows[href] / share[1], 0) != share[0]:
            wrong.append(f"{at} → {href}: {rows[href]} customers are listed, the mark says {share[0]} of {share[1]}")
        if count is not None and rows[href] != count:
            wrong.append(f"{at} → {href}: {rows[href]} customers are listed, the mark says {count}")

    assert not wrong, "\n".join(wrong)


def test_the_walk_finds_marks_of_every_kind(shop_called):
    shop = shop_called(DEMO)
    kinds = Counter()

    for page in PAGE_FILES:
        for _, link in marks_of(shop.drawn(page)):
            if shown_count(link) is not None or shown_share(link) is not None:
                around = [node.kind for node in link.up()]
                kind = "in a cell" if "Td" in around else link.kind
                kinds[link.classes[0] if link.classes else kind] += 1

    assert {"Point", "rank", "row-line", "bubble", "edges-line", "text-link", "in a cell"} <= set(kinds)
    assert kinds.total() > 500

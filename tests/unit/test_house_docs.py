"""What the pages refer to is there, and what they print is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.settings_page import BEGIN, END, PAGE, table

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that headings make: lower case, dashes for blanks, punctuation left out."""
    titles = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files that links name are there, and so are the headings."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_every_decision_is_in_the_list_of_decisions() -> None:
    """Each under the number of its own that its file and its title have."""
    listed = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    records = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    assert [path.name for path in records if not path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]} ")] == []
    assert [path.name for path in records if f"[{path.name[:4]}]({path.name})" not in listed] == []


def test_the_page_lists_every_setting_with_its_default() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == table(), "run: python tests/support/settings_page.py"


def test_every_benchmark_is_in_the_list_of_benchmarks() -> None:
    listed = set(re.findall(r"^\| `(\w+)\.py`", (ROOT / "benchmarks/README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"__main__", "flows"}

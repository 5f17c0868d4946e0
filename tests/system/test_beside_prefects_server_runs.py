"""The same calls about runs to Prefect's server and to ours: what they answer is the same, but for what is meant to be otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support import stories_run_filters, stories_run_lives, stories_run_nouns, stories_run_states
from support.beside import Both, Story, both_servers
from support.beside_runs import OTHERWISE

STORIES = stories_run_nouns.STORIES | stories_run_lives.STORIES | stories_run_states.STORIES | stories_run_filters.STORIES


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Both servers."""
    with both_servers(tmp_path_factory.mktemp("beside"), {"PREFECT__SERVER_WEBSERVER_ONLY": "true"}) as servers:
        yield servers


@pytest.mark.parametrize("story", [pytest.param(story, id=name) for name, story in STORIES.items()])
def test_a_story_goes_the_same_way(both: Both, story: Story) -> None:
    """Status, fields, values and order of every answer."""
    different = both.differences(story, OTHERWISE)
    assert not different, "\n".join(map(str, different))

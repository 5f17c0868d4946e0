"""The same calls about all but runs to Prefect's server and to ours: what they answer is the same, unless it is meant to be otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support import (
    stories_nouns_blocks,
    stories_nouns_deployments,
    stories_nouns_events,
    stories_nouns_kept,
    stories_nouns_limits,
    stories_nouns_pools,
    stories_nouns_server,
)
from support.beside import Both, Story, both_servers
from support.beside_nouns import OTHERWISE

STORIES = (
    stories_nouns_server.STORIES
    | stories_nouns_pools.STORIES
    | stories_nouns_deployments.STORIES
    | stories_nouns_limits.STORIES
    | stories_nouns_kept.STORIES
    | stories_nouns_blocks.STORIES
    | stories_nouns_events.STORIES
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Both servers."""
    with both_servers(tmp_path_factory.mktemp("beside")) as servers:
        yield servers


@pytest.mark.parametrize("story", [pytest.param(story, id=name) for name, story in STORIES.items()])
def test_a_story_goes_the_same_way(both: Both, story: Story) -> None:
    """Status, fields, values and order of every answer."""
    different = both.differences(story, OTHERWISE)
    assert not different, "\n".join(map(str, different))

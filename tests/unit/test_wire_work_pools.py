"""What a work pool's job template must be (contract 6.2)."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from flowhand.wire.work_pools import WorkPoolUpdate


@pytest.mark.parametrize("properties", [5, True, 1.5, "abc", ["a"], [{}], [[1]]])
def test_properties_that_are_no_object(properties: object) -> None:
    """Are refused in words."""
    template = {"job_configuration": {"a": "b"}, "variables": {"properties": properties}}
    with pytest.raises(ValidationError, match="properties of the variables schema must be an object"):
        WorkPoolUpdate.model_validate({"base_job_template": template})

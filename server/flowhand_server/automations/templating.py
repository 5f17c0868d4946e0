"""Templates in actions: read, checked, and filled in once. What comes out of one is never a template again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import Template, TemplateError, nodes

from flowhand.errors import FlowhandError
from flowhand_server.automations.sandbox import MAX_RESULT, Sandbox, forbidden

MAX_TEMPLATE: Final = 100_000
"""Characters of a template at most."""
_SANDBOX: Final = Sandbox()


class BadTemplate(FlowhandError):
    """A template that cannot be read, may not be used, or failed; the text says why. `line` is where, 0 when that is not known."""

    def __init__(self, words: str, line: int = 0) -> None:
        super().__init__(words)
        self.line = line


def looks_like_one(text: str) -> bool:
    """Whether a text is a template rather than just a text."""
    return "{{" in text or "{%" in text


@lru_cache(maxsize=512)
def compiled(text: str) -> tuple[Template, frozenset[str]]:
    """The template and the names that it asks for. BadTemplate unless it can be read and uses only what it may."""
    if len(text) > MAX_TEMPLATE:
        raise BadTemplate(f"longer than {MAX_TEMPLATE} characters")
    try:
        tree = _SANDBOX.parse(text)
        wrong = forbidden(tree)
        if wrong is not None:
            raise BadTemplate(*wrong)
        return _SANDBOX.from_string(text), frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")
    except TemplateError as error:
        raise BadTemplate(error.message or "cannot be read", getattr(error, "lineno", 0) or 0) from None
    except RecursionError:
        raise BadTemplate("nested too deeply") from None


def render(text: str, values: Mapping[str, Any]) -> str:
    """The template with these values in it. What is not there is empty. BadTemplate when it is wrong, or fails on them."""
    template, _ = compiled(text)
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.generate(**values):
            size += len(piece)
            if size > MAX_RESULT:
                raise BadTemplate(f"comes to more than {MAX_RESULT} characters")
            pieces.append(piece)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise BadTemplate(f"failed: {type(error).__name__}: {str(error)[:200]}") from None
    return "".join(pieces)

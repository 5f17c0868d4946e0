"""docs/cli.md says what the commands are."""

from __future__ import annotations

from support.cli_page import PAGE, commands, page


def test_the_page_is_what_the_commands_say() -> None:
    """The page is made from the commands; a change of one without the other fails here."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/support/cli_page.py"


def test_every_option_is_explained() -> None:
    """Every command has a line about it, every argument and option its help, every value a name of its own."""
    for words, command in commands():
        assert command.help, words
        for param in command.params:
            assert param.help, f"{words} {param.name}"
            if param.param_type_name == "option" and not param.is_flag and not param.hidden and param.name != "help":
                assert param.metavar, f"{words} {param.opts[0]}"

"""Names for runs that nobody has named."""

from __future__ import annotations

import random
from typing import Final

_ADJECTIVES: Final = """
agile amber brave bright brisk calm candid clever coral cosmic crisp curious daring dapper eager early earnest fabled fair fearless
gentle gilded golden graceful happy hardy honest humble jade jolly keen kind lively loyal lucid lucky mellow merry mighty modest nimble
noble patient placid polite proud quick quiet rapid ruby sandy scarlet silent silver sincere smooth solid spry steady sturdy swift tidy
tranquil upbeat valiant vivid warm wise witty zealous
"""
_ANIMALS: Final = """
badger beaver bison buzzard camel caribou cheetah condor coyote crane cricket dingo dolphin donkey dormouse dove eagle egret elk falcon
ferret finch firefly fox gazelle gecko gibbon goose grouse gull hare hawk hedgehog heron hornet ibex jackal jackdaw jaguar kestrel kiwi
lark lemur leopard linnet lizard lynx magpie marmot marten meerkat mole moose newt ocelot orca osprey otter owl panther pelican petrel
plover puffin quail rabbit raven robin salmon seal shrew sparrow starling stoat stork swallow swan tapir tern thrush toucan trout turtle
viper vole walrus weasel wombat woodlark wren yak zebra
"""


def random_name() -> str:
    """Such as `brisk-otter`."""
    return f"{random.choice(_ADJECTIVES.split())}-{random.choice(_ANIMALS.split())}"  # noqa: S311  # a name, not a secret

"""Names for runs that were given none: an adjective and an animal."""

from __future__ import annotations

import random
from typing import Final

_ADJECTIVES: Final = """
able agile airy amber ample azure blithe bold brave bright brisk calm candid clever coral cosmic crisp curious daring deft eager earnest
fair fleet fond frank gentle glad golden grand hardy hazel honest humble indigo ivory jolly jovial keen kind lively loyal lucid lunar
mellow merry mighty mild misty modest nimble noble opal patient placid plucky polite prime proud quick quiet rapid ready robust rosy
rustic sage scarlet serene sharp silver sincere sleek snug sober solid spry steady stellar stout sturdy sunny swift tender tidy tranquil
trusty upbeat valiant velvet vivid warm wise witty zesty
"""
_ANIMALS: Final = """
alpaca antelope badger bat bear beaver bison bobcat buffalo bustard camel caribou cheetah chinchilla cicada civet condor coyote crane
cricket curlew deer dingo dolphin donkey dormouse dove dragonfly duck eagle egret eland elk falcon ferret finch firefly flamingo fox
frog gazelle gecko gibbon giraffe gnu goose grouse gull hare hawk hedgehog heron hoopoe hornbill ibex ibis iguana impala jackal jackdaw
jaguar jay kestrel kite kiwi koala kudu lark lemur leopard lion lizard llama lynx magpie mallard manatee marmot marten meerkat mole
moose narwhal newt nightjar ocelot okapi orca oriole osprey otter owl panda panther parrot pelican penguin petrel pheasant pigeon plover
pony porpoise puffin puma quail rabbit raccoon raven reindeer robin salmon sandpiper seal serval shrew skylark sparrow squid stoat stork
swallow swan swift tapir tern thrush tiger toucan trout turtle vole walrus weasel whale wolf wombat wren yak zebra
"""

_adjectives: Final = _ADJECTIVES.split()
_animals: Final = _ANIMALS.split()


def random_name() -> str:
    """Such as `brisk-otter`. Not unique."""
    return f"{random.choice(_adjectives)}-{random.choice(_animals)}"  # noqa: S311 - a name is no secret

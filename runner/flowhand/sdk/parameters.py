"""A flow's parameters: bound to its signature, validated and coerced by their annotations.

pydantic does it, and is imported only when a value is not plainly of its type already: a flow whose arguments are right never waits for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from flowhand.errors import ParameterError

_PLAIN: Final = frozenset({int, float, str, bool, bytes, list, dict, set, tuple, type(None)})
_VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def signature_of(fn: Callable[..., Any]) -> inspect.Signature:
    """The signature with its annotations evaluated; those that cannot be (names of a function's own scope) are left out."""
    try:
        return inspect.signature(fn, eval_str=True)
    except Exception:  # noqa: BLE001  # user code: evaluating an annotation may raise anything
        signature = inspect.signature(fn)
    scope = getattr(inspect.unwrap(fn), "__globals__", {})
    parameters = [parameter.replace(annotation=_evaluated(parameter.annotation, scope)) for parameter in signature.parameters.values()]
    return signature.replace(parameters=parameters)


def _evaluated(annotation: Any, scope: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, scope)  # noqa: S307  # the author's own annotation, as inspect evaluates it
    except Exception:  # noqa: BLE001  # user code
        return inspect.Parameter.empty


def bind(signature: inspect.Signature, flow_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
    """Arguments of a call, defaults filled in. ParameterError names what is missing or unknown."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ParameterError(f"flow {flow_name!r}: {error}; {_takes(signature)}") from None
    bound.apply_defaults()
    return bound


def bind_parameters(signature: inspect.Signature, flow_name: str, parameters: Mapping[str, Any]) -> inspect.BoundArguments:
    """Parameters by name, as a deployment gives them: the reverse of `as_parameters`. ParameterError names what is missing or unknown."""
    left = dict(parameters)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    positional = True
    for name, parameter in signature.parameters.items():
        match parameter.kind:
            case inspect.Parameter.VAR_POSITIONAL:
                args += left.pop(name, ()) if positional else ()
            case inspect.Parameter.VAR_KEYWORD:
                kwargs |= left.pop(name, {})
            case inspect.Parameter.KEYWORD_ONLY if name in left:
                kwargs[name] = left.pop(name)
            case inspect.Parameter.POSITIONAL_ONLY | inspect.Parameter.POSITIONAL_OR_KEYWORD if name in left and positional:
                args.append(left.pop(name))
            case inspect.Parameter.POSITIONAL_OR_KEYWORD if name in left:
                kwargs[name] = left.pop(name)
            case _:
                positional = False
    return bind(signature, flow_name, tuple(args), kwargs | left)


def as_parameters(bound: inspect.BoundArguments) -> dict[str, Any]:
    """The arguments by name."""
    return dict(bound.arguments)


def validate(flow_name: str, bound: inspect.BoundArguments, given: frozenset[str] | None = None) -> None:
    """Coerces the arguments to the types of the signature, in place. ParameterError names each one that does not fit.

    Defaults that were left as they are (those not in `given`) are the author's own matter.
    """
    wrong = {
        name: value
        for name, value in bound.arguments.items()
        if (given is None or name in given) and not _fits(bound.signature.parameters[name], value)
    }
    if wrong:
        from flowhand.sdk.coercion import coerce  # pydantic: heavy, see above

        bound.arguments.update(coerce(bound.signature, flow_name, wrong))


def _fits(parameter: inspect.Parameter, value: Any) -> bool:
    """Whether nothing is left to do: there is no annotation, or it is a plain type and the value's own."""
    wanted = parameter.annotation
    if wanted is inspect.Parameter.empty or wanted is Any or wanted is object:
        return True
    plain = isinstance(wanted, type) and wanted in _PLAIN
    return plain and type(value) is wanted and parameter.kind not in _VARIADIC


def _takes(signature: inspect.Signature) -> str:
    names = [str(parameter.replace(annotation=inspect.Parameter.empty)) for parameter in signature.parameters.values()]
    return f"it takes {', '.join(names)}" if names else "it takes no parameters"

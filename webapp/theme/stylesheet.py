"""theme.css: one kind of rule, which sets the portal's own tokens to values of the kind that they have."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import tinycss2

from webapp.paths import folder
from webapp.theme.colours import SCHEMES, Colour, Tokens, between_commas, read, significant, words

COLOUR_SCHEME = "color-scheme"
Declared = Mapping[str, Tokens]


def is_colour(value: Tokens) -> bool:
    return all(read(value, scheme) for scheme in SCHEMES)


def is_length(value: Tokens, *units: str) -> bool:
    parts = significant(value)
    return len(parts) == 1 and is_measure(parts[0], *units)


def is_measure(part: Any, *units: str) -> bool:
    return part.type == "dimension" and part.lower_unit in units and part.value >= 0


def names_fonts(value: Tokens) -> bool:
    """Tell whether it is a list of fonts, each a text or words without quotes."""
    return all(
        part
        and (all(one.type == "ident" for one in part) or [one.type for one in part] == ["string"])
        for part in between_commas(value)
    )


def is_shadow(value: Tokens) -> bool:
    """Tell whether it is none, or a list of shadows: lengths, a colour, and whether it lies inside."""
    parts = between_commas(value)
    if words(value) == ["none"]:
        return True
    return all(part and all(is_of_shadow(one) for one in part) for part in parts)


def is_of_shadow(one: Any) -> bool:
    return (
        (one.type == "number" and one.value == 0)
        or (one.type == "dimension" and one.lower_unit in ("px", "rem"))
        or (one.type == "ident" and one.lower_value == "inset")
        or is_colour([one])
    )


# Kinds of values. A text's size follows the reader's own (WCAG 2.2, 1.4.4), so it stays in rem.
KINDS: dict[str, Callable[[Tokens], bool]] = {
    "a colour, such as #0b6b6b or light-dark(#0b6b6b, #57c7bd)": is_colour,
    "a length in rem": lambda value: is_length(value, "rem"),
    "a length in px or rem": lambda value: is_length(value, "px", "rem"),
    "names of fonts": names_fonts,
    "shadows": is_shadow,
}


@lru_cache
def portal_values() -> dict[str, Tokens]:
    """Read the portal's own tokens, and its colour schemes, from its stylesheet."""
    source = (folder("static") / "css" / "tokens.css").read_text("utf-8")
    [first, *_] = rules(source)
    return {one.name: one.value for one in declarations(first)}


def rules(source: str) -> list[Any]:
    return list(tinycss2.parse_stylesheet(source, skip_comments=True, skip_whitespace=True))


def declarations(rule: Any) -> list[Any]:
    return list(
        tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    )


def read_theme(source: str) -> tuple[dict[str, Tokens], list[str]]:
    """Read what a theme sets, by name, and its faults with their lines. Of what is set twice, the last one holds."""
    values: dict[str, Tokens] = {}
    problems: list[str] = []
    for rule in rules(source):
        fault = fault_of_rule(rule)
        if fault:
            problems.append(f"line {rule.source_line}: {fault}")
            continue
        for one in declarations(rule):
            fault = fault_of_declaration(one)
            if fault:
                problems.append(f"line {one.source_line}: {fault}")
            else:
                values[one.name] = one.value
    return values, problems or list(faults_of_values(values))


def fault_of_rule(rule: Any) -> str | None:
    """Tell why a rule may not stand in a theme."""
    if rule.type == "error":
        return f"can't be read: {rule.message}"
    if rule.type == "at-rule":
        name = rule.lower_at_keyword
        hint = " (light-dark(…, …) has a colour for each scheme)" if name == "media" else ""
        return f"@{name} may not stand in a theme{hint}"
    selector = tinycss2.serialize(rule.prelude).strip()
    return None if selector == ":root" else f"{selector} is another rule than :root"


def fault_of_declaration(one: Any) -> str | None:
    """Tell why a declaration may not stand in a theme, before its value is looked at."""
    if one.type != "declaration":
        return "is no --token: value;" if one.type == "error" else "another rule within :root"
    if one.name not in portal_values():
        return f"{one.name} is no token of the portal"
    if one.important:
        return f"{one.name} must do without !important"
    for token in every(one.value):
        if token.type == "url" or (token.type == "function" and token.lower_name == "url"):
            return f"{one.name} must load nothing: url() may not stand in a theme"
        if token.type == "error":
            return f"{one.name} can't be read: {token.message}"
    return None


def every(tokens: Tokens) -> Iterator[Any]:
    """Walk through a value, with whatever stands in its functions and brackets."""
    for token in tokens:
        yield token
        yield from every(getattr(token, "arguments", None) or getattr(token, "content", None) or ())


def faults_of_values(values: Declared) -> Iterator[str]:
    """Name the values that are not of their token's kind."""
    merged = portal_values() | dict(values)
    for name, value in values.items():
        line = value[0].source_line if value else 0
        try:
            whole = expanded(value, merged, (name,))
        except ValueError as error:
            yield f"line {line}: {name} {error}"
            continue
        if name == COLOUR_SCHEME:
            if not schemes(values):
                yield f"line {line}: {name} must be light, dark, or light dark"
        elif not KINDS[kind(name)](whole):
            yield f"line {line}: {name} must be {kind(name)}"


def expanded(value: Tokens, values: Declared, names: tuple[str, ...]) -> list[Any]:
    """Put the values of other tokens in the place of ``var(--other)``.

    names: the tokens on the way here. Raises ValueError for one that is none, or that leads to itself.
    """
    whole: list[Any] = []
    for token in value:
        if token.type == "function" and token.lower_name == "var":
            called = tinycss2.serialize(significant(token.arguments))
            if called not in values or called == COLOUR_SCHEME:
                raise ValueError(f"has var({called}), which is no token of the portal")
            if called in names:
                raise ValueError(f"leads to itself by var({called})")
            whole += expanded(values[called], values, (*names, called))
        elif token.type == "function":
            whole.append(with_arguments(token, expanded(token.arguments, values, names)))
        else:
            whole.append(token)
    return whole


def with_arguments(function: Any, arguments: list[Any]) -> Any:
    place = (function.source_line, function.source_column)
    return tinycss2.ast.FunctionBlock(*place, function.name, arguments)


def kind(name: str) -> str:
    """Return the kind of a token's values: the first one that the portal's own value is of."""
    own = portal_values()
    whole = expanded(own[name], own, (name,))
    return next(one for one, holds in KINDS.items() if holds(whole))


def schemes(values: Declared) -> tuple[str, ...]:
    """List the colour schemes that pages have with these values; none if that is nonsense."""
    said = words((portal_values() | dict(values))[COLOUR_SCHEME])
    known = len(set(said)) == len(said) and set(said) <= set(SCHEMES)
    return tuple(scheme for scheme in SCHEMES if known and scheme in said)


def colours(values: Declared, scheme: str) -> dict[str, Colour]:
    """Tell each token that is a colour as it is in one scheme. The values have no faults."""
    merged = portal_values() | dict(values)
    told = {
        name: read(expanded(value, merged, (name,)), scheme)
        for name, value in merged.items()
        if name != COLOUR_SCHEME
    }
    return {name: colour for name, colour in told.items() if colour is not None}


def written(values: Declared) -> str:
    """Write what was read as a stylesheet of its own, so that browsers get nothing else."""
    lines = (
        f"{name}:{tinycss2.serialize([one for one in value if one.type != 'comment']).strip()}"
        for name, value in values.items()
    )
    return f":root{{{';'.join(lines)}}}"

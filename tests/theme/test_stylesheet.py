"""theme.css: what it may set, and a refusal with its line for everything else."""

import pytest
import tinycss2
from hypothesis import given
from hypothesis import strategies as st

from webapp.theme import stylesheet


def faults(source):
    return stylesheet.read_theme(source)[1]


def root(declarations):
    return faults(f":root {{\n{declarations}\n}}")


COLOUR = "a colour, such as #0b6b6b or light-dark(#0b6b6b, #57c7bd)"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("a { color: red }", "line 1: a is another rule than :root"),
        (":root, body {}", "line 1: :root, body is another rule than :root"),
        ("\n@import 'more.css';", "line 2: @import may not stand in a theme"),
        ("@font-face { src: url(x) }", "line 1: @font-face may not stand in a theme"),
        (
            "@media (prefers-color-scheme: dark) { :root { --ink: red } }",
            "line 1: @media may not stand in a theme (light-dark(…, …) has a colour for each scheme)",
        ),
        (":root { --ink: red", None),
        (":root { a { --ink: red } }", "line 1: another rule within :root"),
        (":root { ink }", "line 1: is no --token: value;"),
        ("</style>", "line 1: can't be read: EOF reached before {} block for a qualified rule."),
    ],
)
def test_rules(source, fault):
    assert faults(source) == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [
        ("--accent: #5a2ca0;", None),
        ("--ACCENT: #5a2ca0;", "--ACCENT is no token of the portal"),
        ("--brand: #5a2ca0;", "--brand is no token of the portal"),
        ("color: red;", "color is no token of the portal"),
        ("--icon-gear: none;", "--icon-gear is no token of the portal"),
        ("--accent: red !important;", "--accent must do without !important"),
        ("--accent: url(x.png);", "--accent must load nothing: url() may not stand in a theme"),
        ("--font: url('x');", "--font must load nothing: url() may not stand in a theme"),
        (
            "--shadow: 0 0 f(url('x'));",
            "--shadow must load nothing: url() may not stand in a theme",
        ),
        ("--accent: sunny;", f"--accent must be {COLOUR}"),
        ("--accent: ;", f"--accent must be {COLOUR}"),
        ("--accent: {a: b};", f"--accent must be {COLOUR}"),
        ("--accent: var(--ink);", None),
        ("--accent: color-mix(in srgb, var(--ink) 50%, light-dark(red, blue));", None),
        ("--accent: var(--brand);", "--accent has var(--brand), which is no token of the portal"),
        (
            "--accent: var(--ink, red);",
            "--accent has var(--ink,red), which is no token of the portal",
        ),
        ("--accent: var(--accent);", "--accent leads to itself by var(--accent)"),
        (
            "--accent: var(--quiet); --ink: var(--accent);",
            "--accent leads to itself by var(--accent)",
        ),
        ("--accent: var(--radius);", f"--accent must be {COLOUR}"),
        ("--veil: rgb(0 0 0 / 20%);", None),
        ("--radius: 0px;", None),
        ("--radius: 0.5rem;", None),
        ("--radius: 0;", "--radius must be a length in px or rem"),
        ("--radius: -1px;", "--radius must be a length in px or rem"),
        ("--gutter: 10vw;", "--gutter must be a length in px or rem"),
        ("--gutter: var(--space-6);", None),
        ("--body-size: 1rem;", None),
        ("--body-size: 16px;", "--body-size must be a length in rem"),
        ("--font: Inter, 'Noto Sans', Open Sans, sans-serif;", None),
        ("--font: ;", "--font must be names of fonts"),
        ("--font: 16px Arial;", "--font must be names of fonts"),
        ("--font: 'Noto' Sans;", "--font must be names of fonts"),
        ("--shadow: none;", None),
        ("--shadow: 0 1px 2px rgb(0 0 0 / 20%), inset 0 0 1rem teal;", None),
        ("--shadow: big;", "--shadow must be shadows"),
        ("color-scheme: light;", None),
        ("color-scheme: dark light;", None),
        ("color-scheme: sunny;", "color-scheme must be light, dark, or light dark"),
        ("color-scheme: light light;", "color-scheme must be light, dark, or light dark"),
        (
            "--font: var(--color-scheme);",
            "--font has var(--color-scheme), which is no token of the portal",
        ),
    ],
)
def test_declarations(declaration, fault):
    found = root(declaration)
    assert found[:1] == ([f"line 2: {fault}"] if fault else [])


def test_all_faults_are_named_at_once_with_their_lines():
    assert root("--brand: red;\n--ink: url(x);\n--muted: red !important") == [
        "line 2: --brand is no token of the portal",
        "line 3: --ink must load nothing: url() may not stand in a theme",
        "line 4: --muted must do without !important",
    ]


def test_each_token_of_the_portal_can_be_set_to_the_value_that_it_has():
    own = stylesheet.portal_values()
    assert len(own) > 30
    assert stylesheet.read_theme(stylesheet.written(own))[1] == []


def test_the_last_of_several_holds():
    source = ":root { --ink: red; } :root { --ink: #111111; --ink: #222222 }"
    values, _ = stylesheet.read_theme(source)
    assert str(stylesheet.colours(values, "light")["--ink"]) == "#222222"


def test_tokens_that_are_made_of_others_follow():
    values, _ = stylesheet.read_theme(":root { --ink: black; --surface: white }")
    assert str(stylesheet.colours(values, "dark")["--edge"]) == "#808080"


@pytest.mark.parametrize(
    ("declaration", "schemes"),
    [
        ("", ("light", "dark")),
        ("color-scheme: light", ("light",)),
        ("color-scheme: dark", ("dark",)),
        ("color-scheme: DARK light", ("light", "dark")),
    ],
)
def test_schemes(declaration, schemes):
    values, _ = stylesheet.read_theme(f":root {{ {declaration} }}")
    assert stylesheet.schemes(values) == schemes


SETS = st.sampled_from([*stylesheet.portal_values(), "color", "--other", "--\\61 ccent"])
VALUES = st.text(alphabet="abur#019,;:{}()[]\\'\"/*@!<>- \n%.", max_size=30)


@given(st.lists(st.tuples(SETS, VALUES), max_size=4), VALUES)
def test_browsers_get_declarations_of_tokens_and_nothing_else(pairs, more):
    source = f":root {{ {'; '.join(f'{name}: {value}' for name, value in pairs)} }} {more}"
    values, problems = stylesheet.read_theme(source)
    if problems:
        return
    [rule] = tinycss2.parse_stylesheet(stylesheet.written(values))
    assert tinycss2.serialize(rule.prelude) == ":root"
    found = tinycss2.parse_blocks_contents(rule.content)
    assert {one.type for one in found} <= {"declaration"}
    assert [one.name for one in found] == list(values)
    assert stylesheet.portal_values().keys() >= values.keys()

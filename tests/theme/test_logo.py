"""logo.svg: what a drawing may be, and what is refused with its line."""

import pytest

from webapp.theme import logo

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'


def faults(inside, start=SVG):
    return logo.faults(f"{start}\n{inside}\n</svg>".encode())


@pytest.mark.parametrize(
    "inside",
    [
        '<path d="M0 0h9" fill="url(#a)"/>',
        "<g style=\"fill: url( '#a' )\"/>",
        '<use href="#a"/><use xlink:href=" #a"/>',
        '<image href="data:image/png;base64,AAAA"/>',
        "<style>path { fill: red } @media (prefers-color-scheme: dark) { path { fill: white } }</style>",
        "<title>animation of our url(http://x)</title>",
    ],
)
def test_a_drawing(inside):
    assert faults(inside) == []


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<script>alert(1)</script>", "<script> may not stand in a logo"),
        ('<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>', "<script> may not stand in a logo"),
        ("<foreignObject/>", "<foreignObject> may not stand in a logo"),
        ('<animate attributeName="r"/>', "<animate> may not stand in a logo"),
        ('<set attributeName="href" to="javascript:1"/>', "<set> may not stand in a logo"),
        ('<g onclick="1"/>', "onclick may not stand in a logo: it runs a script"),
        ('<g onLoad="1"/>', "onLoad may not stand in a logo: it runs a script"),
        ('<use href="https://elsewhere.example/#a"/>', "href leads out of the logo"),
        ('<use xlink:href="other.svg#a"/>', "href leads out of the logo"),
        ('<image href="data:image/svg+xml;base64,AAAA"/>', "href leads out of the logo"),
        ('<a href="javascript:alert(1)"/>', "href leads out of the logo"),
        ('<g fill="url(https://elsewhere.example/#a)"/>', "fill leads out of the logo"),
        ("<g style=\"fill:URL( 'other.svg#a')\"/>", "style leads out of the logo"),
        ('<g style="fill:\\75rl(x)"/>', "style leads out of the logo"),
        ("<style>@import 'x.css';</style>", "style leads out of the logo"),
        ("<style>g { fill: url(x) }</style>", "style leads out of the logo"),
        ("<style>g { animation: turn 1s }</style>", "a logo may not move"),
        ("<style>@imp<![CDATA[ort 'x.css']]>;</style>", "style leads out of the logo"),
        ("<style>g { fill: image-set('x' 1x) }</style>", "style leads out of the logo"),
        (f"<style>{' ' * 8191}&#64;import 'x.css';</style>", "style leads out of the logo"),
        ("<style><g/>@import 'x.css';</style>", "<g> may not stand within <style>"),
        ("<?xml-stylesheet href='x.css'?>", "<?xml-stylesheet?> may not stand in a logo"),
    ],
)
def test_what_runs_moves_or_loads_is_refused(inside, fault):
    assert faults(inside) == [f"line 2: {fault}"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "line 1: is no SVG: no element found"),
        (b"<svg", "line 1: is no SVG: unclosed token"),
        (b"\x89PNG", "line 1: is no SVG: not well-formed (invalid token)"),
        (
            b'<svg viewBox="0 0 9 9"/>',
            'line 1: the first element must be <svg xmlns="http://www.w3.org/2000/svg">',
        ),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
            "line 1: <svg> needs a viewBox, so that it can be drawn in any size",
        ),
    ],
)
def test_what_is_no_drawing_is_refused(content, fault):
    assert logo.faults(content) == [fault]


@pytest.mark.parametrize("encoding", ["utf-7", "utf-16", "iso-8859-1", "cp037", "nonsense"])
def test_browsers_read_the_same_text(encoding):
    start = f'<?xml version="1.0" encoding="{encoding}"?>{SVG}'
    assert faults("", start) == [f"line 1: the encoding must be UTF-8, and not {encoding}"]
    assert faults("ß", '\ufeff<?xml version="1.0" encoding="UTF-8"?>' + SVG) == []


def test_entities_make_nothing_of_it():
    declared = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>"
    assert faults("<title>&b;</title>", declared + SVG)[0] == (
        "line 1: <!DOCTYPE> may not stand in a logo"
    )

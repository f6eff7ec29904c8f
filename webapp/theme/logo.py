"""logo.svg: a drawing that shows itself, and neither runs, moves nor loads anything."""

import re
from typing import Any
from xml.parsers import expat

SVG = "http://www.w3.org/2000/svg"
# What runs, what holds other documents, and what moves: nobody could stop it (WCAG 2.2, 2.2.2).
REFUSED = {
    *("script", "handler", "listener", "foreignObject", "iframe", "object", "embed"),
    *("audio", "video", "set", "animate", "animateMotion", "animateTransform", "discard"),
}
REFERENCES = {"href", "src"}
# Parts of the drawing itself, and pictures within it.
INSIDE = re.compile(r"\s*(#|data:image/(png|jpeg|webp|gif);base64,)", re.IGNORECASE)
ELSEWHERE = re.compile(r"url\(\s*['\"]?\s*(?!#|['\"\s])|image-set\(|@import|\\", re.IGNORECASE)
MOVES = re.compile(r"@keyframes|animation|transition", re.IGNORECASE)


class Drawing:
    """A drawing as it is read, with the faults found so far."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.depth = 0
        # The text of a <style>, which may come in pieces; None outside.
        self.rules: list[str] | None = None
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.XmlDeclHandler = self.declaration
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.ProcessingInstructionHandler = self.instruction

    def refuse(self, why: str) -> None:
        self.faults.append(f"line {self.parser.CurrentLineNumber}: {why}")

    def begin(self, full_name: str, attributes: dict[str, str]) -> None:
        namespace, _, name = full_name.rpartition(" ")
        if not self.depth:
            self.root(namespace, name, attributes)
        self.depth += 1
        if self.rules is not None:
            self.refuse(f"<{name}> may not stand within <style>")
        self.rules = [] if name == "style" else None
        if name in REFUSED:
            self.refuse(f"<{name}> may not stand in a logo")
        for full_attribute, value in attributes.items():
            self.attribute(full_attribute.rpartition(" ")[2], value)

    def root(self, namespace: str, name: str, attributes: dict[str, str]) -> None:
        if (namespace, name) != (SVG, "svg"):
            self.refuse(f'the first element must be <svg xmlns="{SVG}">')
        elif "viewBox" not in attributes:
            self.refuse("<svg> needs a viewBox, so that it can be drawn in any size")

    def attribute(self, name: str, value: str) -> None:
        if name.lower().startswith("on"):
            self.refuse(f"{name} may not stand in a logo: it runs a script")
        elif name in REFERENCES and not INSIDE.match(value):
            self.refuse(f"{name} leads out of the logo")
        else:
            self.style(value, name)

    def style(self, value: str, where: str) -> None:
        if ELSEWHERE.search(value):
            self.refuse(f"{where} leads out of the logo")
        if where == "style" and MOVES.search(value):
            self.refuse("a logo may not move")

    def end(self, full_name: str) -> None:
        self.depth -= 1
        if self.rules is not None:
            self.style("".join(self.rules), "style")
        self.rules = None

    def text(self, text: str) -> None:
        if self.rules is not None:
            self.rules.append(text)

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        # Browsers would read another text than this does.
        if encoding is not None and encoding.lower() != "utf-8":
            self.refuse(f"the encoding must be UTF-8, and not {encoding}")

    def doctype(self, *declared: Any) -> None:
        # Entities could make much of little, or write what is refused.
        self.refuse("<!DOCTYPE> may not stand in a logo")

    def instruction(self, target: str, data: str) -> None:
        self.refuse(f"<?{target}?> may not stand in a logo")


def faults(content: bytes) -> list[str]:
    """Name what a drawing may not have, with the lines."""
    drawing = Drawing()
    try:
        drawing.parser.Parse(content, True)
    except expat.ExpatError as error:
        drawing.faults.append(f"line {error.lineno}: is no SVG: {expat.ErrorString(error.code)}")
    return drawing.faults

"""Draw the states of a mail into docs/reliability.md, from the table that the code obeys.

python tools/states.py
"""

from pathlib import Path

from webapp.domain.delivery import TRANSITIONS, DeliveryState

DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- states: drawn by tools/states.py -->", "<!-- /states -->"


def diagram() -> str:
    """Draw the table as a Mermaid state diagram, in the order of the states."""
    names = {state: state.value.replace("_", " ") for state in DeliveryState}
    lines = [f'    state "{name}" as {state.value}' for state, name in names.items()]
    lines.append(f"    [*] --> {DeliveryState.QUEUED.value}")
    for before, following in TRANSITIONS.items():
        lines += [
            f"    {before.value} --> {after.value}" for after in DeliveryState if after in following
        ]
        if not following:
            lines.append(f"    {before.value} --> [*]")
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def drawn(text: str) -> str:
    """Put the present diagram between the marks of a document. Raises ValueError if they are missing."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{diagram()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")

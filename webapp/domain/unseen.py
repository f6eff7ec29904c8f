"""Characters that nobody sees, and the places where writing needs some of them.

A name with one looks like another name, and is found by nobody who types it.
"""

import re
import unicodedata

# Controls, halves of characters, and line ends of another kind. Some of them a database refuses.
CONTROLS = {"Cc", "Cs", "Zl", "Zp"}
FORMATS = CONTROLS | {"Cf"}
# Unicode's property Default_Ignorable_Code_Point, which Python does not know, and three blanks with a width.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d159"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
JOINER, NON_JOINER = "\u200d", "\u200c"
# A mark that takes a consonant's vowel away, as in Hindi or Sinhala, is of this combining class.
VIRAMA = 9
# Selectors of one of several forms, and the beginning of the names of characters that have such forms.
SELECTORS = (
    (re.compile("[\ufe00-\ufe02\U000e0100-\U000e01ef]"), ("CJK ",)),
    (re.compile("[\u180b-\u180d\u180f]"), ("MONGOLIAN LETTER",)),
)
# They choose between the black and white and the coloured form of a symbol: ™️.
SYMBOL_SELECTORS = {"\ufe0e", "\ufe0f"}


def has_controls(text: str) -> bool:
    """Tell whether a text is more than one line of characters."""
    return not text.isprintable() and any(unicodedata.category(char) in CONTROLS for char in text)


def unseen(text: str) -> bool:
    """Tell whether there is a character in a text that nobody sees, where no writing needs it."""
    # Nearly every text is settled here.
    if text.isprintable() and not IGNORABLE.search(text):
        return False
    return any(
        (unicodedata.category(char) in FORMATS or IGNORABLE.match(char)) and not needed(text, place)
        for place, char in enumerate(text)
    )


def needed(text: str, place: int) -> bool:
    """Tell whether writing needs the unseen character at this place."""
    char, before, after = text[place], text[:place], text[place + 1 : place + 2]
    if char in (JOINER, NON_JOINER):
        return joins(char, before, after)
    return selects(char, before[-1:])


def joins(char: str, before: str, after: str) -> bool:
    """Tell whether a joiner or non-joiner changes the form of its neighbours, roughly as RFC 5892 (A.1, A.2) has it.

    It does beside a virama (श्‍, র‍্য); and a non-joiner between Arabic letters (علی‌رضا), a joiner
    between the symbols of one emoji.
    """
    if combining(before[-1:]) == VIRAMA:
        return True
    if combining(after) == VIRAMA:
        return script(before[-1:]) == script(after)
    if char == NON_JOINER:
        return direction(last_base(before)) == direction(after) == "AL"
    return is_symbol(last_base(before)) and is_symbol(after)


def selects(char: str, before: str) -> bool:
    """Tell whether a selector of a form stands behind a character that has such forms."""
    if char in SYMBOL_SELECTORS:
        return is_symbol(before)
    name = unicodedata.name(before, "") if before else ""
    return any(
        selectors.match(char) and name.startswith(beginnings) for selectors, beginnings in SELECTORS
    )


def last_base(text: str) -> str:
    """Return the last character but for marks, selectors and skin tones, which belong to the one before them."""
    return next(
        (char for char in reversed(text) if unicodedata.category(char) not in ("Mn", "Sk")), ""
    )


def combining(char: str) -> int:
    return unicodedata.combining(char) if char else 0


def direction(char: str) -> str:
    return unicodedata.bidirectional(char) if char else ""


def script(char: str) -> str:
    """Return the first word of a character's name, which is the script's."""
    return unicodedata.name(char, "").partition(" ")[0] if char else ""


def is_symbol(char: str) -> bool:
    return bool(char) and unicodedata.category(char) in ("So", "Sm")

"""The strength of passwords: how easily one is guessed, by the lists of zxcvbn and without a network."""

from collections.abc import Set
from threading import Lock

from webapp.domain.refusals import Refusal
from webapp.i18n import fold

# The grade, of 0 to 4, from which on even 10**8 tries seldom hit.
STRONG = 3
# So many characters are looked at. Signs that may stand for letters (p4$$) make the work grow, and 72 of the
# worst ones would take a dozen times as long as the hash of a password.
LOOKED_AT = 40
REASONS = {
    "dictionary": Refusal.PASSWORD_WORDS,
    "spatial": Refusal.PASSWORD_KEYS,
    "repeat": Refusal.PASSWORD_REPEATS,
    "sequence": Refusal.PASSWORD_SEQUENCE,
    "regex": Refusal.PASSWORD_DATE,
    "date": Refusal.PASSWORD_DATE,
}
# The library keeps the words of whoever is judged in a variable of its own.
judging = Lock()


def weakness(password: str, own_words: Set[str]) -> Refusal | None:
    """Tell why a password is easily guessed; None if it isn't.

    ``own_words``: folded words that anybody can find out about this person. They count for nothing, so what is
    left without them is judged. It takes long, so call it outside of a transaction that holds SQLite's write lock.
    """
    # Imported here, since most processes judge no password, and its lists are large.
    from zxcvbn import zxcvbn

    whole = rest = fold(password)
    for word in sorted(own_words, key=len, reverse=True):
        rest = rest.replace(word, "")
    if not rest:
        return Refusal.PASSWORD_NAMES
    with judging:
        judged = zxcvbn(rest[:LOOKED_AT], sorted(own_words))
    if judged["score"] >= STRONG:
        return None
    if rest != whole:
        return Refusal.PASSWORD_NAMES
    longest = max(judged["sequence"], key=lambda match: len(match["token"]))
    return REASONS.get(longest["pattern"], Refusal.PASSWORD_WORDS)

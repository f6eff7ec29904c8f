"""SpamAssassin finds nothing in any mail that speaks against it: `make interop`.

The program and its rules come with Debian's package `spamassassin`. It looks at content alone: what else counts,
such as the sender's reputation, is not of the mail's making.
"""

import re
import subprocess
from dataclasses import replace

from tests.mail.conftest import chosen, composing, portal  # noqa: F401 (fixtures)
from tests.mail.letters import ALL
from webapp.config import Settings
from webapp.i18n import CODES
from webapp.mail.compose import compose

MOST = 0.1
SCORE = re.compile(
    r"^X-Spam-Status: \w+, score=(-?[\d.]+) required=\S+ tests=((?:.|\n\t)*?) autolearn", re.M
)
BETWEEN = b"From renewals@portal.example Thu Feb 19 09:00:00 2026\n"


def test_no_mail_scores(composing: Settings) -> None:  # noqa: F811
    mails = {
        f"{name}, {language}": compose(replace(of, language=language), composing)
        for name, of in ALL.items()
        for language in CODES
    }
    mailbox = b"".join(BETWEEN + mail.replace(b"\r\n", b"\n") + b"\n" for mail in mails.values())
    done = subprocess.run(
        ["spamassassin", "--local", "--mbox"], input=mailbox, capture_output=True, check=True
    )
    judged = SCORE.findall(done.stdout.decode())
    assert len(judged) == len(mails)
    assert {
        name: (score, rules)
        for name, (score, rules) in zip(mails, judged, strict=True)
        if float(score) > MOST
    } == {}

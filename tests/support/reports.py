"""Reports on mails that bounced, and what else comes to a return path; each for a mail of the test.

Postfix's and Exim's were made by Debian's (tests/support/samples/bounces). The odd ones follow samples in the source
package of flufl.bounce 6.0, named beside each.
"""

import re
from pathlib import Path

SAMPLES = Path(__file__).parent / "samples" / "bounces"
SAMPLED_PATH = re.compile(rb"bounces\+\d+\.[0-9a-z]{16}@portal\.example")
SAMPLED_READER = re.compile(rb"[a-z]+@(?:far|later|nowhere)\.example")

QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@gate.far.example
To: {path}
Subject: failure notice

Hi. This is the qmail-send program at gate.far.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{reader}>:
192.0.2.7 does not like recipient.
Remote host said: 550 5.1.1 no mailbox here by that name

--- Below this line is a copy of the message.
"""
EXCHANGE = """\
From: System Administrator <postmaster@far.example>
To: {path}
Subject: Undeliverable: Acme
MIME-Version: 1.0
X-Mailer: Internet Mail Service (5.5.2656.59)
X-MS-Embedded-Report:
Content-Type: multipart/mixed; boundary="--_=_Part"

----_=_Part
Content-Type: text/plain; charset="iso-8859-1"

Your message

  To:      {reader}
  Subject: Acme

did not reach the following recipient(s):

c=PL;a= ;p=FAR;o=One;dda:SMTP={reader}; on Fri, 4 Oct 2002
17:12:28 -0400
    The recipient name is not recognized

----_=_Part--
"""
MAIL_ENABLE = """\
From: "Delivery Subsystem" <POSTMASTER@far.example>
To: {path}
Subject: Message Delivery Failure
Precedence: bulk
Auto-Submitted: auto-replied

MailEnable: Message could not be delivered to some recipients.
The following recipient(s) could not be reached:

\tRecipient: [SMTP:{reader}]
\tReason: Remote SMTP Server Returned: 550 Requested action not taken: mailbox unavailable

Message headers follow:
"""
# After qmail_01.txt, microsoft_01.txt and simple_41.txt.
ODD = {"qmail": QMAIL, "exchange": EXCHANGE, "mailenable": MAIL_ENABLE}
PERMANENT = ("postfix-unknown-user", "exim-unknown-user", "postfix-mailbox-full", *ODD)
DELAYED = ("postfix-delayed", "exim-delayed")

AWAY = """\
Return-Path: <{reader}>
From: Dana <{reader}>
To: {path}
Subject: {subject}
{header}

{text} 550 user unknown: {reader}
"""
# As programs write them, with and without the header of RFC 3834.
AWAY_NOTES = (
    ("Automatic reply: Acme renews", "Auto-Submitted: auto-replied", "I am away."),
    ("Out of Office: Acme renews", "X-Auto-Response-Suppress: All", "I am away."),
    ("Re: Acme renews", "Precedence: auto_reply", "I no longer work here."),
    ("Out of office until Monday", "X-Mailer: Any", "I am away."),
    (
        "Odpowiedź automatyczna: Acme",
        "Auto-Submitted: auto-replied (vacation)",
        "Jestem na urlopie.",
    ),
    ("Poza biurem", "X-Mailer: Any", "Jestem na urlopie."),
    ("Nieobecność do poniedziałku", "X-Autoreply: yes", "Jestem na urlopie."),
    ("Resposta automática: Acme", "Auto-Submitted: auto-generated", "Estou de férias."),
    ("Fora do escritório", "X-Mailer: Any", "Estou de férias."),
    ("Ausência até segunda-feira", "X-Autorespond: sim", "Estou de férias."),
)


def report(shape: str, path: str, reader: str) -> bytes:
    """Write a report in one of the shapes of PERMANENT and DELAYED."""
    if shape in ODD:
        return ODD[shape].format(path=path, reader=reader).encode()
    sample = (SAMPLES / f"{shape}.eml").read_bytes()
    return SAMPLED_READER.sub(reader.encode(), SAMPLED_PATH.sub(path.encode(), sample))


def away_note(number: int, path: str, reader: str) -> bytes:
    """Write a note of somebody who is away. Each quotes what a bounce might say, too."""
    subject, header, text = AWAY_NOTES[number]
    return AWAY.format(path=path, reader=reader, subject=subject, header=header, text=text).encode()

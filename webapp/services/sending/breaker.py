"""The breaker: it tells by what comes of a round's mails that the mail server can't be used now."""

from dataclasses import dataclass

from webapp.domain.delivery import DeliveryState
from webapp.mail.transport import AgainstPolicy, DeliveryProblem, ServerAway, TryAgain
from webapp.services.sending.handing_over import Claim

# If so many mails in a row are put off, the server is the cause, not the readers' addresses.
ENOUGH = 20
# If the server's policy refuses so many mails in a row, it is set wrong, or the portal is.
ENOUGH_REFUSALS = 10
# So many mails knock at a server that was away at last, and any of them may be one that it takes.
KNOCKS = 3


@dataclass
class Breaker:
    """The state of one round.

    ``away``: the server could not be used at last, so that few refusals by its policy are enough. ``tripped``: no other
    mail is worth a try in this round. ``reply`` and ``recipient``: of the mail that was put off last.
    """

    away: bool = False
    tripped: bool = False
    reply: str = ""
    recipient: str = ""
    put_off: int = 0
    refused: int = 0
    refused_at_first: bool = False
    others: bool = False

    def note(self, claim: Claim, state: DeliveryState, outcome: str | DeliveryProblem) -> None:
        """Note a mail's new state, and what came of handing it over."""
        self.put_off = self.put_off + 1 if state is DeliveryState.QUEUED else 0
        if isinstance(outcome, AgainstPolicy):
            self.refused += 1
            self.refused_at_first = self.refused_at_first or claim.first
        else:
            self.others = True
        if state is DeliveryState.SENT:
            self.refused = 0
        if not isinstance(outcome, TryAgain):
            return
        self.reply, self.recipient = outcome.reply, claim.envelope.recipient
        self.tripped = (
            isinstance(outcome, ServerAway)
            or self.put_off >= ENOUGH
            or self.refused >= (KNOCKS if self.away else ENOUGH_REFUSALS)
        )

    def end(self) -> None:
        """Note the end of the round: it trips if nothing came of it but refusals by a policy.

        A mail that was refused before, while others were taken, tells nothing new by itself.
        """
        telling = self.refused_at_first or (self.away and self.refused)
        if telling and not self.others:
            self.tripped = True

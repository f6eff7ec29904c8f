"""Words for To do: its sections, what is wrong with a renewal's mails, and its figures."""

from flask_babel import lazy_gettext as _l

from webapp.domain.todo import Figure, Section, Wrong

# Each section's name, and a few words about it, if it needs them. A calendar month is another thing: see FIGURES.
SECTIONS = {
    Section.DECIDE: (
        _l("Needs a decision"),
        _l("past its date, or its reminder day has come"),
    ),
    Section.WEEK: (_l("Within 7 days"), ""),
    Section.MONTH: (_l("Within 30 days"), ""),
    Section.LATER: (_l("Later"), _l("within the next 120 days")),
    Section.RENEWING: (_l("Renews by itself"), _l("nothing to decide, within the next 120 days")),
    Section.PUT_OFF: (_l("Put off"), _l("until the reminder day that was chosen")),
}
# The look of its pill, and the words.
WRONGS = {
    Wrong.NOBODY: ("bad", _l("Nobody to tell")),
    Wrong.REJECTED: ("warn", _l("Rejected")),
    Wrong.BOUNCED: ("warn", _l("Bounced")),
    Wrong.UNCLEAR: ("warn", _l("Not sure")),
}
# What a figure counts.
FIGURES = {
    Figure.PAST: _l("Past its date, undecided"),
    Figure.THIS_MONTH: _l("To be decided this month"),
    Figure.QUARTER: _l("Renews this quarter"),
}

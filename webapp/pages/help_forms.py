"""The form below the help article."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from webapp.domain.refusals import Refusal
from webapp.labels.refusals import WORDS
from webapp.pages.forms import Form, clean, readable

LONGEST_COMMENT = 2000


class FeedbackForm(Form):
    """A reader's answer to "Was this article helpful?", with a comment."""

    helpful = RadioField(
        _l("Was this article helpful?"),
        choices=[SelectChoice("yes", _l("Yes")), SelectChoice("no", _l("No"))],
        validators=[InputRequired(_l("Choose Yes or No."))],
        invalid_choice_message=WORDS[Refusal.NO_OPTION],
    )
    comment = TextAreaField(
        _l("Comment (optional)"),
        filters=[clean],
        validators=[
            Length(max=LONGEST_COMMENT, message=WORDS[Refusal.TOO_LONG]),
            readable,
        ],
    )

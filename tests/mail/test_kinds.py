"""Each code of a kind of mail has its object, and the object its templates."""

import pytest

from tests.support.copies import ROOT
from webapp.mail.kinds import KINDS
from webapp.models import MailKind


@pytest.mark.parametrize("code", MailKind)
def test_a_code_leads_to_its_kind_and_the_kind_to_its_templates(code: MailKind) -> None:
    kind = KINDS[code]
    assert kind.code is code
    for ending in ("subject.txt", "txt", "html"):
        assert (ROOT / "templates" / kind.template(ending)).is_file()

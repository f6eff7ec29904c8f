"""Feedback from readers of the help pages."""

from datetime import UTC, datetime

from webapp.models import Feedback, User, db


def give_feedback(
    user: User | None, page: str, language: str, *, helpful: bool, comment: str | None
) -> Feedback:
    """Store one answer to "Was this article helpful?". ``user`` is None for somebody signed out."""
    feedback = Feedback(
        at=datetime.now(UTC),
        page=page,
        language=language,
        helpful=helpful,
        comment=comment or None,
        user_id=user.id if user else None,
    )
    db.session.add(feedback)
    db.session.flush()
    return feedback

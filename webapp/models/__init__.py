"""Tables with typed columns and named constraints. Models have only properties; rules live in webapp.domain."""

from webapp.domain.delivery import DeliveryState
from webapp.domain.facts import MailKind
from webapp.models.access_token import AccessToken, Opens
from webapp.models.audit import AuditAction, AuditEntry
from webapp.models.base import db
from webapp.models.delivery import (
    CountedMail,
    Delivery,
    DeliveryEvent,
    DeliveryMessage,
    InboxMail,
    Reminder,
    ReminderEvent,
    ReminderState,
    Trouble,
    delivery_reminder,
)
from webapp.models.identity import (
    Credential,
    CredentialKind,
    Link,
    LinkPurpose,
    Login,
    ResetRequest,
    SecurityAction,
    SecurityEvent,
    SessionEnd,
    SignInMethod,
    UserSession,
)
from webapp.models.installation import Feedback, Installation, Tally
from webapp.models.organisation import (
    Client,
    ContactAssignment,
    Organisation,
    OwnerChange,
    Partner,
    SettingsChange,
)
from webapp.models.subscription import Subscription
from webapp.models.user import Membership, User
from webapp.models.wording import Wording

__all__ = [
    "AccessToken",
    "AuditAction",
    "AuditEntry",
    "Client",
    "ContactAssignment",
    "CountedMail",
    "Credential",
    "CredentialKind",
    "Delivery",
    "DeliveryEvent",
    "DeliveryMessage",
    "DeliveryState",
    "Feedback",
    "InboxMail",
    "Installation",
    "Link",
    "LinkPurpose",
    "Login",
    "MailKind",
    "Membership",
    "Opens",
    "Organisation",
    "OwnerChange",
    "Partner",
    "Reminder",
    "ReminderEvent",
    "ReminderState",
    "ResetRequest",
    "SecurityAction",
    "SecurityEvent",
    "SessionEnd",
    "SettingsChange",
    "SignInMethod",
    "Subscription",
    "Tally",
    "Trouble",
    "User",
    "UserSession",
    "Wording",
    "db",
    "delivery_reminder",
]

"""The tables behind the models, for statements over columns and rows, where objects would only cost time."""

from typing import cast

from sqlalchemy import Table

from webapp.models.base import Base
from webapp.models.delivery import Delivery, DeliveryEvent, Reminder, ReminderEvent
from webapp.models.organisation import Client, Organisation, OwnerChange, Partner
from webapp.models.subscription import Subscription


def table_of(model: type[Base]) -> Table:
    """The one table of a model. SQLAlchemy's types can't know that ours map to nothing else."""
    return cast(Table, model.__table__)


client_table = table_of(Client)
delivery_event_table = table_of(DeliveryEvent)
delivery_table = table_of(Delivery)
organisation_table = table_of(Organisation)
owner_change_table = table_of(OwnerChange)
partner_table = table_of(Partner)
reminder_event_table = table_of(ReminderEvent)
reminder_table = table_of(Reminder)
subscription_table = table_of(Subscription)

"""The people of the demo's company, as its identity provider knows them, and what the portal is there."""

from __future__ import annotations

from tools.intranet.issuer import Client, Person
from tools.intranet.site import Places

# The demo's partner whose people come by the provider; its other partners and all clients sign in as ever.
PARTNER = "northbridge-digital"
ROLES = "admin=portal-admins, member=sales"
CLIENT_ID = "renewal-portal"
CLIENT_SECRET = "known-to-everybody-who-reads-this-demo"
# The first two are in the portal's demo, too. The third gets in by her group, the fourth stays out.
PEOPLE = (
    Person("nb-1001", "Emma Clarke", "emma@northbridge.example", ("portal-admins", "sales")),
    Person("nb-1002", "Oliver Hughes", "oliver@northbridge.example", ("sales",)),
    Person("nb-1003", "Grace Doyle", "grace.doyle@northbridge.example", ("sales",)),
    Person("nb-1004", "Finn Carter", "finn.carter@northbridge.example", ("facilities",)),
)


def client(places: Places) -> Client:
    """Describe the portal to the provider: one client with two addresses, in the path and in the frame."""
    portals = (places.portal, places.framed)
    return Client(
        CLIENT_ID,
        CLIENT_SECRET,
        tuple(f"{portal}/sign-in/oidc/back" for portal in portals),
        tuple(f"{portal}/sign-in" for portal in portals),
        # Both have one database, so that telling one is enough.
        (f"{places.portal}/sign-in/oidc/logout",),
    )

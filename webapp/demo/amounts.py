"""Prices of the demo: a month of each product, times the users at the company, in its currency."""

from decimal import Decimal

# A month for ten users, in euros.
A_MONTH = {
    "Marketing Hub": 60,
    "Sales Hub": 45,
    "Service Hub": 40,
    "Content Hub": 35,
    "Operations Hub": 50,
}
# What a euro is worth, roughly.
RATES = {"EUR": Decimal(1), "PLN": Decimal("4.3"), "BRL": Decimal("6.2"), "GBP": Decimal("0.85")}
# The others pay in their partner's currency.
IN_EUROS = {
    *("Jubiler Bursztyn", "Logistyka Północ", "Muzyka dla Ciebie"),
    *("Construtora Ipê", "Vinhos do Vale"),
    *("Juniper Analytics", "Ivy Street Legal"),
}
WITHOUT_AMOUNT = {
    *("Ósemka Studio", "Instytut Językowy Lingua", "Livraria Página Um"),
    *("Orchard Valley Schools", "Kestrel Aviation Training"),
}


def price(
    company: str, product: str, months: int, users: int, usual: str
) -> tuple[Decimal, str] | tuple[None, None]:
    """Work out what a term of so many months costs, in tens, and in which currency; nothing if nobody entered it."""
    if company in WITHOUT_AMOUNT:
        return None, None
    currency = "EUR" if company in IN_EUROS else usual
    tens = A_MONTH[product] * users * months * RATES[currency] / 100
    return Decimal(10 * round(tens)), currency

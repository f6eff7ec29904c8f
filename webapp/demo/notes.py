"""Notes of the people in the demo: about clients, about renewals, and why some are not renewed."""

CLIENTS = {
    "Fabryka Mebli Dąb": "Rozmawiamy najchętniej przed południem; po 14:00 wszyscy są na hali.",
    "Logistyka Północ": "Faktury tylko w euro. Umowy podpisuje centrala w Gdyni.",
    "Construtora Ipê": "Decisões passam pela diretoria, que se reúne às terças-feiras.",
    "Ivy Street Legal": "Everything in writing, please: two partners must agree.",
}
RENEWALS = {
    "Hotel pod Jeleniem": "Klient pyta o rabat za umowę na dwa lata. Oferta wysłana.",
    "Logistyka Północ": "Adres głównego kontaktu odrzucony: dzwonić do biura.",
    "Construtora Ipê": "Querem incluir mais cinco usuários na renovação.",
    "Ivy Street Legal": "They compare our price with a competitor until Friday.",
}
WHY_NOT = {
    "Szkoła Żeglarska Bryza": "Po sezonie za drogo; wrócimy do rozmowy w marcu.",
    "Editora Três Marias": "Vai usar a ferramenta do grupo que comprou a editora.",
    "Maple & Main Dental": "The practice closes in spring.",
}

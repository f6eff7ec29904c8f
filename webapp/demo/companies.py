"""The companies that stand out in the demo: when they renew and how, who decides there, and who signs in."""

from dataclasses import dataclass

from webapp.domain.recipients import ContactRole

ALL_ROLES = tuple(ContactRole)


@dataclass(frozen=True, slots=True)
class Term:
    """A subscription's term in months, what happens at its end, and whether the partner's rule gives its deadline."""

    term_months: int = 12
    renews_itself: bool = False
    deadline_by_rule: bool = False


# These renew so many days after the day of loading. The others are spread over the year.
RENEWS_IN = {
    "Browar Złoty Kłos": 3,
    "Drukarnia Czcionka": -9,
    "Fabryka Mebli Dąb": 14,
    "Hotel pod Jeleniem": 31,
    "Instytut Językowy Lingua": 9,
    "Jubiler Bursztyn": 25,
    "Klinika Zdrowa Kość": 20,
    "Logistyka Północ": 12,
    "Muzyka dla Ciebie": 100,
    "Piekarnia Rogalik": -8,
    "Wydawnictwo Łabędź": 17,
    "Café Serra Azul": 3,
    "Construtora Ipê": 11,
    "Doceria Brigadeiro": -3,
    "Livraria Página Um": 28,
    "Harbour Lane Books": 3,
    "Blue Kettle Tea": -10,
    "Ivy Street Legal": 22,
    "Młyn Wodny": -11,
    "Cukiernia Malwa": -19,
    "Galeria Światło": 14,
    "Quitanda Orgânica": -4,
    "Ateliê Linha Fina": 13,
    "Hotel Praia Mansa": 60,
    "Teatr Mały Księżyc": 135,
    "Ósemka Studio": 44,
    "Vinhos do Vale": 19,
    "Fernhill Dental": 10,
    "Cobblestone Tours": 50,
    "Zakład Ślusarski Kowadło": -5,
    "Pracownia Ćma": 5,
    "Ekologiczna Zagroda": 6,
    "Móveis Jatobá": 6,
    "Academia Corpo Leve": 24,
    "Gráfica Papel Machê": 41,
    "Kestrel Aviation Training": -2,
    "Alder & Oak Furniture": 6,
    "Northgate Robotics": 16,
}
# Of these the term of the first product, or its end, is another than a year that must be decided. The first ones
# have renewed by themselves by the day of loading.
TERMS = {
    "Młyn Wodny": Term(12, renews_itself=True),
    "Cukiernia Malwa": Term(1, renews_itself=True),
    "Quitanda Orgânica": Term(1, renews_itself=True),
    "Galeria Światło": Term(3, renews_itself=True),
    "Ateliê Linha Fina": Term(3, renews_itself=True),
    "Hotel Praia Mansa": Term(12, renews_itself=True),
    "Teatr Mały Księżyc": Term(24, renews_itself=True, deadline_by_rule=True),
    "Muzyka dla Ciebie": Term(12, deadline_by_rule=True),
    "Nowa Optyka": Term(24, deadline_by_rule=True),
    "Ósemka Studio": Term(3),
    "Vinhos do Vale": Term(1),
    "Fernhill Dental": Term(1, renews_itself=True),
    "Cobblestone Tours": Term(3, renews_itself=True),
    "Maple & Main Dental": Term(24),
}
# The holders of roles at clients without one person for each role.
CONTACTS: dict[str, tuple[tuple[ContactRole, ...], ...]] = {
    "Jubiler Bursztyn": (),
    "Instytut Językowy Lingua": ((ContactRole.PRIMARY,), (ContactRole.DECISION_MAKER,)),
    "Cukiernia Malwa": (ALL_ROLES,),
    "Ivy Street Legal": ((ContactRole.PRIMARY, ContactRole.DECISION_MAKER), (ContactRole.BILLING,)),
    "Lantern Street Theatre": (),
}
WITHOUT_SUBSCRIPTION = "Źródło Mineralne"
WITH_TWO = "Wydawnictwo Łabędź"
WITH_DEADLINE = "Livraria Página Um"
# Companies with two contacts who sign in, and an accountant who signs in for several companies.
WITH_LOGINS = ("Browar Złoty Kłos", "Café Serra Azul", "Harbour Lane Books")
ACCOUNTANT = ("Marta Sobczak", "marta@biuro-liczydlo.example")
ACCOUNTED = ("Browar Złoty Kłos", "Cukiernia Malwa")

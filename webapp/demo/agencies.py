"""The partners of the demo, each with its people and companies."""

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.demo import names
from webapp.domain.ownership import Owner
from webapp.services.accounts.mail_texts import CompanyData, Texts
from webapp.services.accounts.partners import Terms


@dataclass(frozen=True, slots=True)
class Agency:
    """A partner of the demo. The first of its people is its admin, the second is notified.

    ``mails``: what its mails to clients carry; ``texts``: its own texts in them, by language. ``terms``: how those of
    new subscriptions end.
    """

    name: str
    domain: str
    language: str
    time_zone: str
    currency: str
    owner: Owner
    sending: bool
    people: tuple[str, ...]
    companies: tuple[names.Company, ...]
    mails: CompanyData
    texts: Mapping[str, Texts]
    terms: Terms


AGENCIES = (
    Agency(
        *("Odnowa Studio", "odnowa.example", "pl", "Europe/Warsaw", "PLN", Owner.VENDOR, True),
        ("Anna Wiśniewska", "Tomasz Lewandowski", "Katarzyna Zielińska", "Piotr Mazur"),
        names.POLISH,
        CompanyData(
            "odnowienia@odnowa.example",
            "Odnowa Studio sp. z o.o., ul. Piotrkowska 12, 90-001 Łódź\n"
            "Sąd Rejonowy w Łodzi, KRS 0000123456, NIP 7250000000, kapitał zakładowy 50 000 zł",
            "https://odnowa.example/prywatnosc",
        ),
        {
            "pl": Texts(
                "Opiekujemy się Państwa kontem i przypominamy o zbliżającym się odnowieniu.\n\n"
                "Chętnie sprawdzimy, czy obecny pakiet nadal odpowiada Państwa potrzebom.",
                "Zespół Odnowa Studio\ntel. 42 000 00 00",
            ),
            "pt": Texts(
                "Cuidamos da sua conta e lembramos que a data de renovação está próxima.\n\n"
                "Podemos verificar se o plano atual ainda atende às suas necessidades.",
                "Equipe Odnowa Studio\nTel. +48 42 000 00 00",
            ),
            "en": Texts(
                "We look after your account, and your renewal is coming up.\n\n"
                "We are glad to check whether your present plan still fits.",
                "The Odnowa Studio team\nPhone +48 42 000 00 00",
            ),
        },
        Terms(renews_itself=False, deadline_rule_text="P45D"),
    ),
    Agency(
        *("Renova Parceiros", "renova.example", "pt", "America/Sao_Paulo", "BRL"),
        *(Owner.PARTNER, True),
        ("Beatriz Carvalho", "Rafael Souza", "João Pereira"),
        names.PORTUGUESE,
        CompanyData(
            "renovacoes@renova.example",
            "Renova Parceiros Ltda., Rua Augusta 1200, 01304-001 São Paulo, SP\n"
            "CNPJ 00.000.000/0001-00",
            "https://renova.example/privacidade",
        ),
        {
            "pl": Texts(
                "Zbliża się odnowienie Państwa subskrypcji, którą się opiekujemy.",
                "Zespół Renova Parceiros",
            ),
            "pt": Texts(
                "Acompanhamos a sua assinatura, e a data de renovação está próxima.\n\n"
                "Se quiser mudar de plano, é só responder a este e-mail.",
                "Equipe Renova Parceiros\nTel. (11) 0000-0000",
            ),
            "en": Texts(
                "Your subscription, which we look after, is coming up for renewal.",
                "The Renova Parceiros team",
            ),
        },
        Terms(renews_itself=True, deadline_rule_text=None),
    ),
    Agency(
        *("Northbridge Digital", "northbridge.example", "en", "Europe/London", "GBP"),
        *(Owner.VENDOR, False),
        ("Emma Clarke", "Oliver Hughes"),
        names.ENGLISH,
        # It has just begun: no privacy notice yet, and the standard text in two languages.
        CompanyData(None, "Northbridge Digital Ltd, registered in England, no. 00000000", None),
        {
            "en": Texts(
                "Your renewal is coming up. We are here if you want to talk it over.",
                "Northbridge Digital",
            )
        },
        Terms(renews_itself=False, deadline_rule_text=None),
    ),
)

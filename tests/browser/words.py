"""The article's words, as its reader has them in hand (terms.md), and what else the walk meets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One language of the article, in the order in which its reader needs the words."""

    code: str
    endonym: str
    html: str
    # Set the default renewal owner for all clients
    settings: str
    partners: str
    communications: str
    owner_field: str
    select_owner: str
    partner: str
    select_user: str
    # Set the renewal owner for a specific client
    dashboard: str
    actions: str
    client_details: str
    renewals: str
    edit_owner: str
    use_default: str
    select_contact: str
    save: str
    # The note about the client's portal
    account: str
    company: str
    contact_information: str
    primary: str
    billing: str
    decision_maker: str
    # Not in the article
    saved: str
    undo: str
    turn_sending_on: str
    sending_is_on: str
    preview: str
    show_preview: str
    to: str
    owner_saved: str
    own_setting: str
    sent: str

    def __str__(self) -> str:
        return self.code


POLISH = Words(
    code="pl",
    endonym="Polski",
    html="pl",
    settings="Ustawienia",
    partners="Partnerzy",
    communications="Komunikacja",
    owner_field="Właściciel komunikacji odnowienia klienta",
    select_owner="Wybierz właściciela komunikacji odnowienia",
    partner="Partner",
    select_user="Wybierz użytkownika partnerskiego, który ma być powiadamiany",
    dashboard="Pulpit",
    actions="Akcje",
    client_details="Szczegóły klienta",
    renewals="Odnowienia",
    edit_owner="Edytuj właściciela odnowienia",
    use_default="Użyj ustawienia domyślnego",
    select_contact="Wybierz punkt kontaktowy partnera dla odnowień",
    save="Zapisz",
    account="Konto i rozliczenia",
    company="Firma i kontakty",
    contact_information="Informacje kontaktowe",
    primary="Główny kontakt",
    billing="Kontakt rozliczeniowy",
    decision_maker="Osoba decyzyjna",
    saved="Zapisano",
    undo="Cofnij",
    turn_sending_on="Włącz wysyłanie",
    sending_is_on="Wysyłanie jest włączone",
    preview="Kto co otrzyma po zapisaniu",
    show_preview="Pokaż, kto co otrzyma",
    to="Do",
    owner_saved="Zapisano właściciela odnowienia",
    own_setting="Własne ustawienie",
    sent="Wysłano",
)
PORTUGUESE = Words(
    code="pt",
    endonym="Português (Brasil)",
    html="pt-BR",
    settings="Configurações",
    partners="Parceiros",
    communications="Comunicações",
    owner_field="Proprietário da comunicação de renovação do cliente",
    select_owner="Selecione o proprietário da comunicação de renovação",
    partner="Parceiro",
    select_user="Selecione o usuário parceiro para ser notificado",
    dashboard="Painel",
    actions="Ações",
    client_details="Detalhes do cliente",
    renewals="Renovações",
    edit_owner="Editar proprietário de renovação",
    use_default="Usar o padrão",
    select_contact="Selecione o ponto de contato do parceiro para renovações",
    save="Salvar",
    account="Conta e faturamento",
    company="Empresa e contatos",
    contact_information="Informações de contato",
    primary="Contato principal",
    billing="Contato de faturamento",
    decision_maker="Tomador de decisões",
    saved="Salvo",
    undo="Desfazer",
    turn_sending_on="Ativar envio automático",
    sending_is_on="O envio automático está ativado",
    preview="Quem receberá o quê depois de salvar",
    show_preview="Mostrar quem receberá o quê",
    to="Para",
    owner_saved="Proprietário da renovação salvo",
    own_setting="Configuração própria",
    sent="Enviado",
)
ENGLISH = Words(
    code="en",
    endonym="English",
    html="en",
    settings="Settings",
    partners="Partners",
    communications="Communications",
    owner_field="Customer renewal communication owner",
    select_owner="Select renewal communication owner",
    partner="Partner",
    select_user="Select partner user to be notified",
    dashboard="Dashboard",
    actions="Actions",
    client_details="Client details",
    renewals="Renewals",
    edit_owner="Edit renewal owner",
    use_default="Use default",
    select_contact="Select partner point of contact for renewals",
    save="Save",
    account="Account & Billing",
    company="Company & Contacts",
    contact_information="Contact information",
    primary="Primary contact",
    billing="Billing contact",
    decision_maker="Decision maker",
    saved="Saved",
    undo="Undo",
    turn_sending_on="Turn sending on",
    sending_is_on="Sending is on",
    preview="Who will get what when you save this",
    show_preview="Show who will get what",
    to="To",
    owner_saved="Renewal owner saved",
    own_setting="Own setting",
    sent="Sent",
)

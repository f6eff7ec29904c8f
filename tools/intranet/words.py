"""The texts of the demo's intranet, in the portal's languages."""

from __future__ import annotations

ENDONYMS = {"en": "English", "pl": "Polski", "pt": "Português"}
# As pages and formats know the languages.
LOCALES = {"en": "en_GB", "pl": "pl_PL", "pt": "pt_BR"}
TAGS = {"en": "en-GB", "pl": "pl", "pt": "pt-BR"}

WORDS = {
    "en": {
        "skip": "Skip to content",
        "main": "Main navigation",
        "languages": "Language",
        "home": "Home",
        "desk": "Renewals desk",
        "portal": "Renewal portal",
        "greeting": "Good to see you",
        "intro": "News, tools and the renewals that come up next.",
        "news": "News",
        "upcoming": "Upcoming renewals",
        "waiting": "Looking for renewals …",
        "failed": "The renewal portal does not answer at the moment.",
        "no_script": "Open the renewal portal to see what comes up next.",
        "tools": "Tools",
        "portal_about": "The whole portal, in this site's path and look",
        "desk_about": "The portal in a frame, from another origin",
        "account": "Your account",
        "account_about": "Who you are at the identity provider",
        "desk_intro": "The portal beside our own pages: it signs you in with your Northbridge account.",
        "frame": "Renewal portal",
        "note": "A demonstration: Northbridge Digital is made up, and nothing leaves this machine.",
    },
    "pl": {
        "skip": "Przejdź do treści",
        "main": "Nawigacja główna",
        "languages": "Język",
        "home": "Start",
        "desk": "Biurko odnowień",
        "portal": "Portal odnowień",
        "greeting": "Dzień dobry",
        "intro": "Aktualności, narzędzia i najbliższe odnowienia.",
        "news": "Aktualności",
        "upcoming": "Najbliższe odnowienia",
        "waiting": "Szukanie odnowień…",
        "failed": "Portal odnowień w tej chwili nie odpowiada.",
        "no_script": "Otwórz portal odnowień, aby zobaczyć najbliższe terminy.",
        "tools": "Narzędzia",
        "portal_about": "Cały portal, pod adresem i w wyglądzie tej witryny",
        "desk_about": "Portal w ramce, z innego źródła",
        "account": "Twoje konto",
        "account_about": "Kim jesteś u dostawcy tożsamości",
        "desk_intro": "Portal obok naszych stron: logowanie kontem Northbridge.",
        "frame": "Portal odnowień",
        "note": "To demonstracja: Northbridge Digital jest zmyślone i nic nie opuszcza tego komputera.",
    },
    "pt": {
        "skip": "Ir para o conteúdo principal",
        "main": "Navegação principal",
        "languages": "Idioma",
        "home": "Início",
        "desk": "Mesa de renovações",
        "portal": "Portal de renovações",
        "greeting": "Que bom ver você",
        "intro": "Notícias, ferramentas e as próximas renovações.",
        "news": "Notícias",
        "upcoming": "Próximas renovações",
        "waiting": "Procurando renovações…",
        "failed": "O portal de renovações não responde no momento.",
        "no_script": "Abra o portal de renovações para ver o que vem a seguir.",
        "tools": "Ferramentas",
        "portal_about": "O portal inteiro, no caminho e com o visual deste site",
        "desk_about": "O portal em um quadro, de outra origem",
        "account": "Sua conta",
        "account_about": "Quem é você no provedor de identidade",
        "desk_intro": "O portal ao lado das nossas páginas: ele reconhece sua conta Northbridge.",
        "frame": "Portal de renovações",
        "note": "Uma demonstração: a Northbridge Digital é inventada, e nada sai desta máquina.",
    },
}

# Title and text of each piece of news, the newest first.
NEWS = {
    "en": (
        (
            "The Leeds office opens",
            "Twelve desks and one very good kettle. Book a place.",
        ),
        (
            "Renewals now live in the hub",
            "What comes up next stands beside this; the whole portal is one click away.",
        ),
        (
            "Out and about in spring",
            "Oliver speaks about fair renewals in Bristol. Two tickets are left.",
        ),
    ),
    "pl": (
        (
            "Otwieramy biuro w Leeds",
            "Dwanaście biurek i bardzo dobry czajnik. Zarezerwuj miejsce.",
        ),
        (
            "Odnowienia są teraz w intranecie",
            "Najbliższe widać obok, a cały portal jest o jedno kliknięcie stąd.",
        ),
        (
            "Wiosną w terenie",
            "Oliver opowiada w Bristolu o uczciwych odnowieniach. Zostały dwa bilety.",
        ),
    ),
    "pt": (
        (
            "O escritório de Leeds abre as portas",
            "Doze mesas e uma ótima chaleira. Reserve um lugar.",
        ),
        (
            "As renovações agora estão na intranet",
            "As próximas ficam ao lado; o portal inteiro está a um clique.",
        ),
        (
            "Na estrada na primavera",
            "Oliver fala em Bristol sobre renovações justas. Restam dois ingressos.",
        ),
    ),
}

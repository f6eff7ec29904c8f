"""Words for all refusals, the same on pages and in commands."""

from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.domain.refusals import Refusal

WORDS: dict[Refusal, Any] = {
    Refusal.EMPTY: _l("Fill this in."),
    Refusal.TOO_LONG: _l("Use at most %(max)d characters."),
    Refusal.CONTROL: _l("Remove line breaks and control characters."),
    Refusal.UNSEEN: _l(
        "Type this again: it contains an invisible character, perhaps from copying."
    ),
    Refusal.NO_OPTION: _l("Choose one of the options."),
    Refusal.DOMAIN: _l("Write a domain such as example.com."),
    Refusal.PHONE: _l("Write a phone number such as +48 22 123 45 67."),
    Refusal.TIME_ZONE: _l("There is no such time zone. Write it like Europe/Warsaw."),
    Refusal.ADDRESS_CHARACTERS: _l(
        "Remove the spaces and control characters from the e-mail address."
    ),
    Refusal.ADDRESS_NO_AT: _l("An e-mail address has one @, as in ana@company.example."),
    Refusal.ADDRESS_ACCENTS: _l(
        "Before the @, use only digits, signs and letters without accents."
    ),
    Refusal.ADDRESS_LENGTH: _l("Use an e-mail address of at most 254 characters."),
    Refusal.ADDRESS_SPELLING: _l("Check the spelling: an address looks like ana@company.example."),
    Refusal.ADDRESS_TAKEN: _l("Somebody in this organisation already has this address."),
    Refusal.ADDRESS_IN_USE: _l(
        "This person has signed in with this address, so only an admin of their organisation can change it."
    ),
    Refusal.ADDRESS_OF_ADMIN: _l(
        "This person is invited as the company's admin, so only an admin of your team can change the address."
    ),
    Refusal.INACTIVE: _l("This person is deactivated. Activate them first."),
    Refusal.JOINED: _l("This person signs in already, and needs no invitation."),
    Refusal.NOT_JOINED: _l("This person can't sign in yet. Invite them first."),
    Refusal.SIGNS_IN: _l(
        "This person signs in by now, so only an admin there can change their access."
    ),
    Refusal.OWN_ACCESS: _l(
        "Undoing this would end your own access. Only another admin can do that."
    ),
    Refusal.LAST_ADMIN: _l("This is the only active admin. Make somebody else an admin first."),
    Refusal.PERSON_DIFFERS: _l("This is not the person's name. Type it as it stands above."),
    Refusal.FIRST_ADMIN: _l(
        "The first person invited becomes the company's admin. Ask an admin of your team to send this invitation."
    ),
    Refusal.LINK_OVER: _l("This link no longer works"),
    Refusal.OWN_INVITATION: _l("You sent this invitation yourself, so you can't accept it."),
    Refusal.TOKENS_LIMIT: _l(
        "You have %(most)d access tokens, and can't have more. Revoke one that is not needed."
    ),
    Refusal.TOKEN_MADE: _l(
        "A token was made since you opened this form. Each is shown only once. If you did not keep it, revoke it "
        "and make another one."
    ),
    Refusal.FACTOR_REQUIRED: _l("Your team requires two-step verification, so it stays on."),
    Refusal.FACTOR_MISSING: _l("This person signs in without two-step verification."),
    Refusal.FACTOR_ELSEWHERE: _l(
        "This person belongs to other organisations, too, so only whoever runs the portal can turn off two-step "
        "verification."
    ),
    Refusal.FACTOR_OWN: _l("Set up two-step verification for yourself first, in your profile."),
    Refusal.PASSWORD_NAMES: _l(
        "This password is easy to guess: your name, your organisation's and the portal's don't count. "
        "Add two or three other words."
    ),
    Refusal.PASSWORD_WORDS: _l(
        "This password is easy to guess: it is made of the most common guesses. "
        "Add two or three words that don't belong together."
    ),
    Refusal.PASSWORD_KEYS: _l(
        "This password is easy to guess: these keys lie side by side. "
        "Take three or four words that don't belong together."
    ),
    Refusal.PASSWORD_REPEATS: _l(
        "This password is easy to guess: it repeats itself. "
        "Take three or four words that don't belong together."
    ),
    Refusal.PASSWORD_SEQUENCE: _l(
        "This password is easy to guess: it follows an order, as abc or 6543 do. "
        "Take three or four words that don't belong together."
    ),
    Refusal.PASSWORD_DATE: _l(
        "This password is easy to guess: dates and years are among the first guesses. "
        "Take three or four words that don't belong together."
    ),
    Refusal.EXTERNAL_ID_TAKEN: _l("Another of your clients has this ID."),
    Refusal.EXTERNAL_ID_ARCHIVED: _l(
        "An archived client has this ID. Bring it back instead, or choose another ID."
    ),
    Refusal.CLIENT_NOT_ARCHIVED: _l("Only an archived client can be erased. Archive it first."),
    Refusal.CLIENT_ERASED: _l("This client was erased, so it can't be brought back."),
    Refusal.NAME_DIFFERS: _l("This is not the client's name. Type it as it stands above."),
    Refusal.CONTACT_NEEDED: _l("Partner as owner needs a point of contact. Choose one."),
    Refusal.CONTACT_NOT_LISTED: _l("Choose somebody from the list."),
    Refusal.STRANGER: _l("Choose an active person of this company."),
    Refusal.PRODUCT_TAKEN: _l("This client already has a subscription of this product."),
    Refusal.DATE: _l("Choose a date between 2000 and 2199."),
    Refusal.DEADLINE_LATE: _l("The decision deadline can't be after the renewal date."),
    Refusal.AMOUNT: _l("Write an amount such as 1200 or 1200.50."),
    Refusal.AMOUNT_NEEDED: _l("Write the amount in this currency, or choose no currency."),
    Refusal.CURRENCY_NEEDED: _l("Choose the currency of the amount."),
    Refusal.REMINDER_DAY: _l("Choose a day from tomorrow on, at most %(days)d days ahead."),
    Refusal.SUBSCRIPTION_TOLD: _l(
        "Mails about this subscription have gone out, so it can't be removed. Mark it as not renewed instead."
    ),
    Refusal.SUBSCRIPTION_OLD: _l(
        "Added more than 24 hours ago, so it can't be removed. Mark it as not renewed instead."
    ),
    Refusal.ADMIN_UNDOES: _l("Only an admin can undo this."),
    Refusal.CLIENT_UNDOES: _l("Only an admin of the client can undo this."),
    Refusal.NOTIFIED_NEEDED: _l(
        "Choose who is to be notified: as owner, the partner needs a point of contact."
    ),
    Refusal.STEPS: _l(
        "Write numbers of days from 0 to 730, separated by commas, at most 20 of them."
    ),
    Refusal.DEADLINE_RULE: _l("Write a number of days from 1 to 365, or of months from 1 to 24."),
    Refusal.WINDOW: _l("The window must close later than it opens."),
    Refusal.WEEKDAY_NEEDED: _l("Choose at least one weekday."),
    Refusal.INVISIBLE: _l("Remove the invisible character from line %(line)d."),
    Refusal.WEB_ADDRESS: _l("Write a web address such as https://company.example/privacy."),
    Refusal.NO_MAIL_SERVER: _l(
        "No mail server is set up, so mails would reach nobody. Whoever runs the portal must set PORTAL_MAIL_URL first."
    ),
    Refusal.MAILBOX_LIMIT: _l(
        "This mailbox has reached its hourly limit for such mails. Try again in %(minutes)d min."
    ),
    Refusal.ORGANISATION_LIMIT: _l(
        "Your organisation has reached its hourly limit for such mails. Try again in %(minutes)d min."
    ),
    Refusal.MAIL_OVER: _l(
        "This mail can't be sent again: it is too late, or its reader knows already."
    ),
    Refusal.MAIL_UNASKED: _l("This person gets no mail about these renewals any more."),
    Refusal.MAIL_GONE: _l(
        "This decision can't be undone any more: the mail is being sent, or its sending has ended."
    ),
    Refusal.ADDRESS_REJECTED: _l(
        "A server rejected this address. Correct it first, then send again."
    ),
}


def sentence(refusal: Refusal, **values: object) -> str:
    """Tell in the reader's language why something is refused."""
    return str(WORDS[refusal]) % values

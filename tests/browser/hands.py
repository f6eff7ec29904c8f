"""The ways to work a page: by mouse, by touch, or by the keyboard alone."""

from typing import Protocol

from playwright.sync_api import Locator, Page, expect

# More stops than any page has.
FARTHEST = 150


class Hand(Protocol):
    """The movements of the article's reader."""

    def press(self, target: Locator) -> None:
        """Press a link, a button or the head of a menu."""

    def choose(self, dropdown: Locator, option: str) -> None:
        """Choose an option of a dropdown by its text."""

    def check(self, choice: Locator) -> None:
        """Choose one of several radio buttons."""


class Mouse:
    def press(self, target: Locator) -> None:
        target.click()

    def choose(self, dropdown: Locator, option: str) -> None:
        # The list that opens is drawn by the system, outside the page.
        dropdown.select_option(label=option)

    def check(self, choice: Locator) -> None:
        choice.check()


class Touch(Mouse):
    def press(self, target: Locator) -> None:
        target.tap()

    def check(self, choice: Locator) -> None:
        choice.tap()
        expect(choice).to_be_checked()


class Keyboard:
    """Tab, Enter, space and arrows."""

    def press(self, target: Locator) -> None:
        self.reach(target)
        target.page.keyboard.press("Enter")

    def choose(self, dropdown: Locator, option: str) -> None:
        self.reach(dropdown)
        index = "(list, text) => [...list.options].findIndex((one) => one.label === text)"
        wanted = dropdown.evaluate(index, option)
        assert wanted >= 0, f"no option {option}"
        steps = wanted - dropdown.evaluate("(list) => list.selectedIndex")
        for _ in range(abs(steps)):
            dropdown.page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
        # A field that saves by itself does so when the focus leaves it, not at every arrow key.
        dropdown.page.keyboard.press("Tab")

    def check(self, choice: Locator) -> None:
        """Tab leads to the chosen one of a group; arrows go on from there."""
        name = choice.get_attribute("name")
        self.reach(choice.page.locator(f"input[name='{name}']:checked"))
        for _ in range(FARTHEST):
            if focused(choice):
                break
            choice.page.keyboard.press("ArrowDown")
        expect(choice).to_be_checked()

    def reach(self, target: Locator) -> None:
        """Tab until the target has the focus."""
        expect(target).to_be_visible()
        for _ in range(FARTHEST):
            if focused(target):
                return
            target.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard doesn't reach {target}")


def open_dialog(page: Page, panel: str) -> Locator:
    """The dialog "Edit renewal owner", opened from a client's page."""
    page.goto(panel)
    page.locator("#edit-owner").click()
    dialog = page.get_by_role("dialog", name="Edit renewal owner")
    expect(dialog).to_be_visible()
    return dialog


def focused(target: Locator) -> bool:
    """Tell whether the focus is on the target."""
    return bool(target.evaluate("(element) => element === document.activeElement"))

// Gives the focus to everything that takes it, onwards and back, and lists what a person would not see; or, `present`,
// looks only at what has the focus. Evaluated in the page; each fault is a text of one line.
(present) => {
  const TAKES_FOCUS = "a[href], button, input, select, textarea, summary, [tabindex]";
  const SLACK = 1; // px: browsers round
  const LINE = 24; // px

  const named = (element) => {
    const text = (element.getAttribute("aria-label") ?? element.innerText ?? "").trim().split("\n")[0].slice(0, 40);
    return `${element.localName}${element.id && `#${element.id}`}${text && ` "${text}"`}`;
  };

  // In the middle, and just within the middle of each side.
  const points = ({ left, right, top, bottom }) => {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [[x, y], [left + 3, y], [right - 3, y], [x, top + 3], [x, bottom - 3]];
  };

  // What lies over a point of the element, within the window.
  const over = (element, [x, y]) => {
    const found = document.elementFromPoint(x, y);
    return found && !element.contains(found) && found;
  };

  function look(element) {
    const box = element.getBoundingClientRect();
    const clipped = getComputedStyle(element).clipPath !== "none";
    if (box.width < 8 || box.height < 8 || clipped || !element.checkVisibility({ opacityProperty: true })) return "can't be seen";
    if (box.left < -SLACK || box.right > innerWidth + SLACK) return "sticks out sideways";
    // Of what is tall the browser shows where one writes.
    const tall = box.height > innerHeight / 3;
    const away = tall ? box.bottom < LINE || box.top > innerHeight - LINE : box.top < -SLACK || box.bottom > innerHeight + SLACK;
    if (away) return `is out of view: ${Math.round(box.top)} to ${Math.round(box.bottom)} of ${innerHeight}`;
    for (const part of element.getClientRects()) {
      const cover = points(part).map((point) => over(element, point)).find(Boolean);
      if (cover) return `is covered by ${named(cover)}`;
    }
    const shown = [element, element.closest("label")].some((one) => one && getComputedStyle(one).outlineStyle !== "none");
    return shown ? "" : "doesn't show that it has the focus";
  }

  const faults = new Set();
  const check = (element) => {
    const fault = look(element);
    if (fault) faults.add(`${named(element)} ${fault}`);
  };

  if (present) {
    // Between the last stop and the first the browser's own controls have it.
    if (document.activeElement !== document.body) check(document.activeElement);
    return [...faults];
  }

  document.activeElement.blur();
  for (const part of document.querySelectorAll("details:not(.menu)")) part.open = true;
  const all = [...document.querySelectorAll(TAKES_FOCUS)].filter((element) => element.tabIndex >= 0);
  let stops = 0;
  for (const element of [...all, ...all.toReversed()]) {
    // A menu shuts when the focus leaves it.
    const menu = element.localName !== "summary" && element.closest("details.menu:not([open])");
    if (menu) menu.open = true;
    element.focus({ focusVisible: true });
    if (document.activeElement !== element) continue;
    stops += 1;
    check(element);
  }
  if (stops === 0) faults.add("nothing takes the focus");
  document.activeElement.blur();

  const page = document.scrollingElement;
  if (page.scrollWidth > innerWidth) faults.add(`the page is wider than ${innerWidth}: ${page.scrollWidth}`);
  for (const element of document.querySelectorAll("body *")) {
    if (element.scrollWidth > element.clientWidth + SLACK && /auto|scroll/.test(getComputedStyle(element).overflowX)) {
      faults.add(`${named(element)} must be scrolled sideways`);
    }
  }
  scrollTo(0, 0);
  return [...faults];
};

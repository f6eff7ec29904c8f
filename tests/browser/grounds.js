// The colours of all texts in sight, each with the first ground behind it: a list of [colour, ground, where] without repeats.
() => {
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const { backgroundColor } = getComputedStyle(one);
      if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
    }
    return "none";
  };
  // What is out of use is pale, and needs no contrast (WCAG 2.2, 1.4.3).
  const pale = (element) => {
    for (let one = element; one; one = one.parentElement) if (getComputedStyle(one).opacity < 1) return true;
    return false;
  };
  const found = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    // A browser draws the options of a list in its own way.
    const drawn = !element.closest("script, noscript, template, option") && element.checkVisibility();
    if (!texts.currentNode.data.trim() || !drawn || pale(element)) continue;
    const pair = [getComputedStyle(element).color, ground(element)];
    const where = `${element.localName}.${element.className}: ${texts.currentNode.data.trim().slice(0, 40)}`;
    found.set(String(pair), [...pair, where]);
  }
  return [...found.values()];
}

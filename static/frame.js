// In a frame: what stays in sight as the page around scrolls, links to other sites, and word to the page around.
// That page does nothing for it. Nothing that it says is listened to.

const root = document.documentElement;
const STRIP = 100; // px; a part in sight that is lower than this may be missed
const REST = 100; // ms without scrolling, after which things follow
const LEAST = 160; // px; no dialog fits into less

// --- The part in sight --------------------------------------------------------------------------------------------
// A frame as high as its page never scrolls, so "fixed" may mean far below what one sees. Only an observer of
// intersections tells a frame of another site what that is, and only when some part of an element comes or goes. Of
// these strips, one below another, one always does.

const strips = document.body.appendChild(document.createElement("div"));
const seen = new Map();
let resting;

function place() {
  const parts = [...seen.values()].filter((part) => part.height);
  const top = Math.min(...parts.map((part) => part.top));
  const bottom = Math.max(...parts.map((part) => part.bottom));
  if (bottom - top < Math.min(LEAST, innerHeight)) return;
  root.style.setProperty("--unseen-above", `${Math.round(top)}px`);
  root.style.setProperty("--unseen-below", `${Math.round(Math.max(0, innerHeight - bottom))}px`);
  root.classList.toggle("seen-low", bottom - top < 30 * parseFloat(getComputedStyle(root).fontSize));
}

const observer = new IntersectionObserver((entries) => {
  const first = seen.size === 0;
  for (const { target, intersectionRect } of entries) seen.set(target, intersectionRect);
  clearTimeout(resting);
  if (first) place();
  else resting = setTimeout(place, REST);
}, { threshold: Array.from({ length: STRIP / 2 + 1 }, (one, index) => (2 * index) / STRIP) });

function layStrips() {
  while (strips.childElementCount * STRIP < innerHeight) {
    const strip = strips.appendChild(document.createElement("div"));
    strip.style.top = `${(strips.childElementCount - 1) * STRIP}px`;
    strip.style.height = `${STRIP}px`;
    observer.observe(strip);
  }
  clearTimeout(resting);
  resting = setTimeout(place, REST);
}

strips.className = "strips";
layStrips();
window.addEventListener("resize", layStrips);
// Whoever is quick presses a button before things have come to rest.
document.addEventListener("click", place, true);

// --- Focus --------------------------------------------------------------------------------------------------------
// Browsers give it to nothing in a frame of another site, and leave the page around where it is. Once somebody works in
// there, another page begins at its top, and what asks for the focus has it, as ever.

if (document.hasFocus()) {
  const before = document.referrer.startsWith(`${location.origin}/`) ? new URL(document.referrer).pathname : "";
  if (before !== location.pathname) document.querySelector("h1")?.scrollIntoView({ block: "nearest" });
  document.querySelector("main [autofocus]")?.focus();
}

// --- Links --------------------------------------------------------------------------------------------------------
// Another site would have to allow the frame that it would come to stand in.

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || !link.protocol.startsWith("http") || link.origin === location.origin) return;
  link.target = "_blank";
  link.rel = "noopener";
}, true);

// --- Word to the page around --------------------------------------------------------------------------------------

// "null" if the page around keeps to itself who it is (referrerpolicy="no-referrer").
const around = location.ancestorOrigins?.[0];
const named = root.dataset.told.split(" ").filter(Boolean).map((address) => new URL(address).origin);
const told = named.filter((origin) => [undefined, "null", origin].includes(around));
let last = "";

// As high as the page or, if an open menu hangs out of it, as both.
function height() {
  const { offsetHeight } = document.body;
  return root.scrollHeight > innerHeight ? Math.max(offsetHeight, root.scrollHeight) : offsetHeight;
}

function tell() {
  const word = { portal: 1, height: height(), path: location.pathname, title: document.title };
  if (JSON.stringify(word) === last) return;
  last = JSON.stringify(word);
  for (const origin of told) parent.postMessage(word, origin);
}

// At once, since an observer sleeps in a frame of another site that is out of sight.
tell();
window.addEventListener("load", tell);
new ResizeObserver(tell).observe(document.body);
new MutationObserver(tell).observe(document.querySelector("title"), { childList: true });
document.addEventListener("htmx:finally:request", tell);
document.addEventListener("toggle", tell, true);

// What HTML and htmx leave open: the dialog, menus, one submission at a time, focus after a swap. Every page works without.

const root = document.documentElement;
const dialog = document.getElementById("dialog");
const RELEASE_AFTER = 15000; // ms; a submission whose answer never came may be repeated
let opener = null;
let overtaken = false; // the dialog says that the page under it is no longer true

root.classList.add("has-script");

// --- One submission at a time -------------------------------------------------------------------------------------
// Buttons get aria-disabled, not disabled: a disabled one would lose the focus, and its name and value in the form.

function markBusy(form, busy) {
  if (busy) form.setAttribute("aria-busy", "true");
  else form.removeAttribute("aria-busy");
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    if (busy) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

function release(form) {
  if (form.getAttribute("aria-busy") !== "true") return;
  markBusy(form, false);
  if (form.dataset.again) {
    delete form.dataset.again;
    if (form.isConnected) form.requestSubmit();
  }
}

function guardSubmission(event) {
  const form = event.target;
  if (form.getAttribute("method")?.toLowerCase() !== "post") return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  markBusy(form, true);
  setTimeout(() => release(form), RELEASE_AFTER);
}

// Captured, so that it comes before htmx.
document.addEventListener("submit", guardSubmission, true);

// A page that the browser kept comes back as it was left, mid-submission.
window.addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(release));

// --- Dropdowns that save by themselves ----------------------------------------------------------------------------
// Arrow keys change a closed dropdown at every step. Only the last one is meant: it is saved on Enter, or on leaving.

const lastChoice = new WeakMap();
let stepped = null;

function submitChoice(select) {
  const form = select.form;
  stepped = null;
  lastChoice.set(form, select);
  // A choice made while the last one is being saved is sent after it.
  if (form.getAttribute("aria-busy") === "true") form.dataset.again = "yes";
  else form.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  const select = event.target;
  if (!select.matches?.("[data-autosubmit]") || select.form.method !== "post") return;
  if (event.key !== "Enter") {
    stepped ??= { select, value: select.value };
  } else if (stepped) {
    event.preventDefault();
    submitChoice(select);
  }
});

document.addEventListener("change", (event) => {
  const select = event.target;
  if (select.matches("[data-autosubmit]") && stepped?.select !== select) submitChoice(select);
});

document.addEventListener("focusout", (event) => {
  if (stepped?.select !== event.target) return;
  if (stepped.value !== event.target.value) submitChoice(event.target);
  stepped = null;
});

document.addEventListener("pointerdown", () => { stepped = null; });

// --- Menus --------------------------------------------------------------------------------------------------------

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  // A menu's link that htmx answers leaves the page as it is, so the menu must go.
  if (event.target.closest(".menu a[data-htmx-powered]")) closeMenus(null);
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// --- Days ---------------------------------------------------------------------------------------------------------
// What is typed in figures is said in words, as the server will say it.

// Null if there is no such day. `sample`: the last day of 2026, in the order of the page's language.
function dayIn(text, sample) {
  const typed = text.trim();
  const order = /^\d{4}-\d\d-\d\d$/.test(typed) ? "2026-12-31" : sample;
  if (!/^\d{1,4}( *[-., /] *\d{1,4}){2}$/.test(typed)) return null;
  const figures = typed.match(/\d+/g);
  const [year, month, day] = ["2026", "12", "31"].map((name) => figures[order.split(/\D/).indexOf(name)]);
  const date = new Date(Date.UTC(year, month - 1, day));
  return /^2[01]..$/.test(year) && date.getUTCMonth() === month - 1 && date.getUTCDate() === Number(day) ? date : null;
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-day]")) return;
  const output = target.nextElementSibling;
  const date = dayIn(target.value, target.dataset.day);
  const months = output.dataset.months.split("|");
  const day = date?.getUTCDate() === 1 ? months[12] : date?.getUTCDate();
  output.textContent = date
    ? months[date.getUTCMonth()].replace(/2222|22/g, (any) => (any === "22" ? day : date.getUTCFullYear()))
    : output.dataset.example;
});

// --- Dialog -------------------------------------------------------------------------------------------------------

function openDialog(source) {
  if (dialog.open) return;
  opener = { element: source, id: source?.id, menu: source?.closest?.("details.menu") };
  dialog.showModal();
  // By itself the browser would take the part that scrolls. A message that must be read first takes it (autofocus).
  dialog.querySelector("[autofocus], input:checked")?.focus();
}

function focusOpener() {
  const { element, id, menu, message } = opener ?? {};
  opener = null;
  if (message) {
    message.focus();
    return;
  }
  const again = element?.isConnected ? element : id && document.getElementById(id);
  const target = menu?.isConnected ? menu.querySelector("summary") : again;
  (target || document.getElementById("content")).focus({ preventScroll: Boolean(target) });
}

dialog.addEventListener("close", () => {
  dialog.replaceChildren();
  sayInTitle();
  focusOpener();
  if (overtaken) fetchAgain();
  overtaken = false;
});

// The row that has the focus may be gone from the page as it is now: the next one that is still there takes it.
async function fetchAgain() {
  const rows = [...document.querySelectorAll("tr[id]")];
  const from = rows.indexOf(document.activeElement.closest("tr[id]"));
  await htmx.ajax("GET", location.href, { target: "#content", select: "#content", swap: "outerHTML" });
  if (document.activeElement !== document.body) return;
  const row = from < 0 ? null : rows.slice(from).map(({ id }) => document.getElementById(id)).find(Boolean);
  (row?.querySelector("a") ?? document.getElementById("content")).focus();
}

dialog.addEventListener("click", (event) => {
  const cancel = event.target.closest("[data-close]");
  if (!cancel && !(event.target === dialog && pressedBackdrop)) return;
  event.preventDefault();
  dialog.close();
});

// Text that is marked with the mouse and let go outside must not close the dialog.
let pressedBackdrop = false;
dialog.addEventListener("pointerdown", (event) => { pressedBackdrop = event.target === dialog; });

// --- After an answer ----------------------------------------------------------------------------------------------

// A failure is said where it happened, by a message that offers to try again.
function fail(ctx, text) {
  clearFailures(ctx);
  const source = ctx.sourceElement;
  const form = source.closest("form");
  const target = targetOf(ctx);
  const message = document.getElementById("failure").content.firstElementChild.cloneNode(true);
  message.querySelector("p").textContent = text;
  const retry = message.querySelector("button");
  retry.addEventListener("click", () => {
    message.remove();
    if (source.matches("form")) source.requestSubmit();
    else source.dispatchEvent(new Event("change", { bubbles: true }));
  });
  if (ctx.request.method === "GET" && source.matches("form, [hx-trigger]") && target?.isConnected) {
    // What was asked for is not there, and what stood there no longer holds.
    target.replaceChildren(message);
  } else if (dialog.open && form) {
    retry.remove();
    dialog.querySelector(".dialog-foot").before(message);
  } else if (form) {
    const field = lastChoice.get(form)?.closest(".field");
    if (field) field.after(message);
    else form.append(message);
  } else {
    retry.remove();
    statusRegion().append(message);
  }
}

// What an answer says: beside what it is about, else on top.
function saidIn(target) {
  return document.getElementById(target?.id)?.querySelector(".said > .message") ?? statusRegion().querySelector(".message");
}

// As on a page that the server made: the title says whether something was refused.
function sayInTitle() {
  const title = document.querySelector("title");
  const said = `${title.dataset.refused} `;
  const bare = document.title.startsWith(said) ? document.title.slice(said.length) : document.title;
  const refused = document.querySelector(".error-summary, [aria-invalid=true], #conflict-title");
  document.title = refused ? said + bare : bare;
}

// What the page fetches by itself ends no message about what somebody did.
function clearFailures(ctx) {
  if (ctx.sourceEvent?.type === "load") return;
  document.querySelectorAll(".message-failed").forEach((message) => message.remove());
}

// Looked up each time: an answer may bring another one.
function statusRegion() {
  return document.getElementById("status");
}

function targetOf(ctx) {
  return typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target;
}

document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  // Remembered, since an answer may go elsewhere: a refused dialog stays in the dialog.
  ctx.awaiting = targetOf(ctx);
  ctx.awaiting?.setAttribute("aria-busy", "true");
  // What was said about the last thing done is over once the next one is; not what is being undone from there.
  const status = statusRegion();
  if (ctx.request.method !== "GET" && !status.contains(ctx.sourceElement)) status.replaceChildren();
});

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const target = targetOf(ctx);
  const saved = ctx.request.method !== "GET" && ctx.response.status < 300;
  clearFailures(ctx);
  sayInTitle();
  if (saved) overtaken = false;
  else if (target === dialog && ctx.response.status === 409) overtaken = true;
  if (dialog.open && saved && target !== dialog && !dialog.contains(target)) {
    const message = saidIn(target);
    if (message) opener = { message };
    dialog.close();
  } else if (target === dialog && dialog.childElementCount) {
    openDialog(ctx.sourceElement);
  } else if (saved && document.activeElement === document.body) {
    // What had the focus is gone with the old content: what the answer says takes it, and is read out.
    saidIn(target)?.focus();
  }
});

document.addEventListener("htmx:finally:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement?.closest?.("form") ?? null;
  ctx.awaiting?.removeAttribute("aria-busy");
  if (form) release(form);
  if (ctx.response?.status >= 400 && ctx.swap === "none" && !ctx.hx?.redirect) fail(ctx, statusRegion().dataset.failed);
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (ctx && !ctx.response) fail(ctx, statusRegion().dataset.offline);
});

// --- What is to be copied -----------------------------------------------------------------------------------------
// Where the browser lets no page write to the clipboard, the text is marked, to be copied by hand.

document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.parentElement.querySelector("[role=status]").textContent = button.dataset.copied;
  } catch {
    field.focus();
  }
});

// What HTML and htmx leave open: the dialog, menus, one submission at a time, focus after a swap. Every page works without.

const root = document.documentElement;
const status = document.getElementById("status");
const dialog = document.getElementById("dialog");
const RELEASE_AFTER = 15000; // ms; a submission whose answer never came may be repeated
let opener = null;

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

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-autosubmit]")) return;
  const form = event.target.form;
  // A choice made while the last one is being saved is sent after it.
  if (form.getAttribute("aria-busy") === "true") form.dataset.again = "yes";
  else form.requestSubmit();
});

// --- Menus --------------------------------------------------------------------------------------------------------

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  // A menu's link that htmx answers leaves the page as it is, so the menu must go.
  if (event.target.closest(".menu-item[hx-get]")) closeMenus(null);
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

// --- Dialog -------------------------------------------------------------------------------------------------------

function openDialog(source) {
  if (dialog.open) return;
  opener = { element: source, id: source?.id, menu: source?.closest?.("details.menu") };
  dialog.showModal();
}

function focusOpener() {
  const { element, id, menu } = opener ?? {};
  opener = null;
  const again = element?.isConnected ? element : id && document.getElementById(id);
  const target = menu?.isConnected ? menu.querySelector("summary") : again;
  (target || document.getElementById("content")).focus({ preventScroll: Boolean(target) });
}

dialog.addEventListener("close", () => {
  dialog.replaceChildren();
  focusOpener();
});

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

function say(text) {
  const host = dialog.open ? dialog.querySelector(".dialog-body") ?? dialog : status;
  host.querySelector(".message-failed")?.remove();
  const message = document.createElement("div");
  message.className = "message message-bad message-failed";
  message.setAttribute("role", "alert");
  message.append(Object.assign(document.createElement("p"), { textContent: text }));
  host.prepend(message);
}

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const target = typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target;
  const saved = ctx.request.method !== "GET" && ctx.response.status < 300;
  if (dialog.open && saved && target !== dialog && !dialog.contains(target)) dialog.close();
  else if (target === dialog && dialog.childElementCount) openDialog(ctx.sourceElement);
});

document.addEventListener("htmx:finally:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement?.closest?.("form") ?? null;
  if (form) release(form);
  if (ctx.response?.status >= 400 && ctx.swap === "none" && !ctx.hx?.redirect) say(status.dataset.failed);
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx && !event.detail.ctx.response) say(status.dataset.offline);
});

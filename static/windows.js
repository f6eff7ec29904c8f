// Signing in from a frame, in which no identity provider may be shown. Three pages load this, and do a part each:
// the frame opens a window of ours; that one opens another for the provider, which comes back to us and tells the
// first, even if the provider has cut the tie between both; and the first hands the frame its code.

const SMALL = "popup,width=520,height=720";

// --- The frame ----------------------------------------------------------------------------------------------------
// If the browser opens no window, the link's own tab does as well.

const form = document.querySelector("[data-sign-in-here]");

form?.querySelector("a").addEventListener("click", (event) => {
  if (open(event.currentTarget.href, "_blank", SMALL)) event.preventDefault();
});

if (form) {
  addEventListener("message", ({ origin, data }) => {
    if (origin !== location.origin || typeof data?.code !== "string") return;
    form.elements.code.value = data.code;
    form.requestSubmit();
  });
}

// --- Our window ---------------------------------------------------------------------------------------------------
// It may open the other one by itself only where the browser lets it; else somebody clicks.

const link = document.querySelector("[data-other-window]");

if (link && opener) {
  const { frame, otherWindow } = link.dataset;
  let other = null;
  const openOther = () => { other = open(otherWindow, "portal-provider", SMALL); return other; };
  new BroadcastChannel(`portal sign-in ${frame}`).addEventListener("message", ({ data }) => {
    opener.postMessage({ code: data.code }, location.origin);
    other?.close();
    close();
  });
  document.querySelector("[data-waits]").hidden = false;
  link.href = otherWindow;
  link.target = "_blank";
  link.addEventListener("click", (event) => { if (openOther()) event.preventDefault(); });
  openOther();
}

// --- The provider's window, once it is back -----------------------------------------------------------------------

const done = document.querySelector("[data-code]");

if (done) {
  new BroadcastChannel(`portal sign-in ${done.dataset.frame}`).postMessage({ code: done.dataset.code });
  close();
}

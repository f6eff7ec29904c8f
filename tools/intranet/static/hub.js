// The two things that the intranet does for the portal, as docs/embedding.md has them: a fragment, and a frame's height.

const upcoming = document.querySelector("[data-upcoming]");
if (upcoming) {
  try {
    const answer = await fetch(upcoming.dataset.upcoming, { headers: { "HX-Request": "true" } });
    // Signed out, the portal answers 401, with a way to sign in.
    if (!answer.ok && answer.status !== 401) throw new Error(answer.statusText);
    upcoming.innerHTML = await answer.text();
  } catch {
    upcoming.querySelector("p").textContent = upcoming.dataset.failed;
  }
}

const frame = document.querySelector("#portal");
addEventListener("message", ({ origin, source, data }) => {
  if (!frame || source !== frame.contentWindow || origin !== new URL(frame.src).origin) return;
  if (data?.portal === 1) frame.style.height = `${data.height}px`;
});

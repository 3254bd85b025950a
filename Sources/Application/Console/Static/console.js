// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
// Everything works without this script; it only saves reloads.
"use strict";

// A running inspection: ask every second, move the bar, and show the results when it ends.
function watchInspection(panel) {
  const bar = panel.querySelector("progress");
  const words = panel.querySelector("[data-words]");
  let failures = 0;
  async function look() {
    try {
      const answer = await fetch(panel.dataset.progress, { headers: { Accept: "application/json" } });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.statusText);
      failures = 0;
      const state = await answer.json();
      words.textContent = state.words;
      if (state.total > 0) { bar.max = state.total; bar.value = state.done; } else { bar.removeAttribute("value"); }
      if (!state.running) { location.assign(panel.dataset.after || location.pathname); return; }
    } catch (problem) {
      failures += 1;
      words.textContent = "The console does not answer; trying again.";
    }
    setTimeout(look, Math.min(1000 * (1 + failures), 10000));
  }
  setTimeout(look, 500);
}

document.querySelectorAll("[data-progress]").forEach(watchInspection);

// Parts of a page that change by themselves: fetched again with the page while they say that there is something to wait for.
function followPage() {
  if (!document.querySelector("[data-live]")) return;
  setTimeout(async () => {
    try {
      if (!document.hidden) {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
        if (answer.redirected) { location.reload(); return; }
        if (answer.ok) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          document.querySelectorAll("[data-live], [data-follows]").forEach((old) => {
            const fresh = page.getElementById(old.id);
            // What somebody is just using stays as it is.
            if (fresh && !old.contains(document.activeElement)) old.replaceWith(fresh);
          });
        }
      }
    } catch (problem) { /* The next attempt may succeed. */ }
    followPage();
  }, 3000);
}
followPage();

// Filters: a choice from a list is applied at once, and empty fields stay out of the address.
document.querySelectorAll("form[data-filter]").forEach((form) => {
  form.addEventListener("change", (event) => { if (event.target.tagName === "SELECT" || event.target.type === "checkbox") form.requestSubmit(); });
  form.addEventListener("submit", () => {
    form.querySelectorAll("input, select").forEach((field) => { if (field.value === "") field.disabled = true; });
  });
});

// A browser that returns to the page gets its fields back.
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-filter] :disabled").forEach((field) => { field.disabled = false; });
});

// Removing asks once more.
document.querySelectorAll("form[data-confirm]").forEach((form) => {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.confirm)) event.preventDefault(); });
});

// Copying: only shown where it works.
document.querySelectorAll("[data-copy]").forEach((button) => {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
});

// What the page shows goes on without a reload. Everything else of it works without this file.
"use strict";

const PAUSE = 3000;
let due = 0;

// Parts marked data-live are replaced by what the server shows now; the focus stays on the link it was on.
async function refresh() {
  due = 0;
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === part.innerHTML) continue;
    const held = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.replaceChildren(...next.childNodes);
    if (held) part.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
  }
}

function soon(after) {
  due ||= setTimeout(() => refresh().catch(() => {}), after);
}

// The news of a job: what it prints becomes a line, and how it stands is asked for anew.
function follow(log) {
  const news = new EventSource(log.dataset.events);
  let first = true;
  const line = (event) => {
    if (first) log.replaceChildren();
    first = false;
    const told = JSON.parse(event.data);
    const entry = document.createElement("li");
    entry.textContent = [told.time.slice(11, 19), told.phase, told.text].filter(Boolean).join("  ");
    const below = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    log.append(entry);
    if (below) log.scrollTop = log.scrollHeight;
  };
  for (const kind of ["log", "progress", "status", "phase"]) {
    news.addEventListener(kind, (event) => {
      line(event);
      if (kind === "status" || kind === "phase") soon(500);
    });
  }
  news.addEventListener("end", () => {
    news.close();
    soon(0);
  });
}

const log = document.querySelector("[data-events]");
if (log) follow(log);
else if (document.querySelector("[data-live]")) setInterval(() => soon(0), PAUSE);
document.addEventListener("visibilitychange", () => soon(0));

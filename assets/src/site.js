// On every page: search on first focus, arrow keys, pictures in a dialog, copying a citation.
// Everything works without: these only enhance links that are there.
import { enlarge } from "./photograph_dialog.js";
import { showReadings } from "./heat_map_readout.js";

const root = document.documentElement.dataset.root ?? "";

function typing(target) {
  return target.closest("input, textarea, select, canvas, [contenteditable], dialog") !== null;
}

// Left and right lead to the neighbours that the page names by rel, "/" to the search.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target instanceof Element && typing(event.target)) return;
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const link = rel && document.querySelector(`a[rel="${rel}"]`);
  if (link) {
    location.href = link.href;
  } else if (event.key === "/") {
    const input = document.querySelector(".search input");
    if (input) {
      event.preventDefault();
      input.focus();
    }
  }
});

// A link to a whole photograph opens it here; with a modifier it stays a link.
document.addEventListener("click", (event) => {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target instanceof Element && event.target.closest("a[data-whole]");
  if (link && enlarge(link)) event.preventDefault();
});

for (const block of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", block.dataset.copy);
  button.addEventListener("click", async () => {
    const done = await copied(block.querySelector("code").textContent);
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    if (!done) getSelection().selectAllChildren(block.querySelector("code"));
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  block.append(button);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

// What was unfolded stays open from unit to unit; an address that leads to a fold opens it.
const OPEN = "lamella-open";
function unfolded() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(OPEN) ?? "[]"));
  } catch {
    return new Set(); // no storage here
  }
}
const open = unfolded();
for (const fold of document.querySelectorAll("details.fold")) {
  fold.open = open.has(fold.id) || location.hash === `#${fold.id}`;
  fold.addEventListener("toggle", () => {
    if (fold.open) open.add(fold.id);
    else open.delete(fold.id);
    try {
      sessionStorage.setItem(OPEN, JSON.stringify([...open]));
    } catch {
      // no storage here
    }
  });
}

// The search box takes the place of a link. Its index is built when it is first wanted.
const place = document.querySelector(".search");
if (place) {
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Search units, layers, labels";
  input.autocomplete = "off";
  input.spellcheck = false;
  input.setAttribute("aria-label", "Search units, layers and labels");
  place.replaceChildren(input);
  input.addEventListener("focus", start, { once: true });

  async function start() {
    try {
      await Promise.all([load(place.dataset.index), load(`${root}assets/search.js`)]);
      window.lamellaFind(place, input, root);
    } catch {
      input.placeholder = "Search could not be loaded";
    }
  }
}

showReadings();

// Pictures to zoom into bring a script of their own.
if (document.querySelector(".deep")) load(`${root}assets/zoom.js`).catch(() => {});

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

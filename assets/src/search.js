// Search over layers, units and labels: an index built in the page, no server, no fetch.
import MiniSearch from "minisearch";

const MOST = 12;
const split = (text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);

// One document per class, layer and unit, from the compact form that the page was given.
function documents(data) {
  const found = [];
  for (const [name, page] of data.classes) {
    found.push({ id: found.length, name, words: "class", detail: "class", page });
  }
  for (const layer of data.layers) {
    found.push({
      id: found.length,
      name: layer.name,
      words: `${layer.kind} layer`,
      detail: `${layer.kind}, ${layer.channels} units`,
      page: `${data.folder}/${layer.folder}/index.html`,
    });
    for (let channel = 0; channel < layer.channels; channel++) {
      const word = data.words[layer.words[channel]] ?? "";
      found.push({
        id: found.length,
        name: `${layer.name}:${channel}`,
        words: word,
        detail: word,
        page: `${data.folder}/${layer.folder}/${channel}.html`,
        layer,
        channel,
      });
    }
  }
  return found;
}

function thumbnail(data, root, { layer, channel }) {
  const sheet = Math.floor(channel / 64);
  const cell = channel % 64;
  const span = document.createElement("span");
  span.className = `cell c8 x${cell % 8} y${Math.floor(cell / 8)}`;
  const image = document.createElement("img");
  image.src = `${root}${data.folder}/${layer.folder}/sprite-${sheet}.webp`;
  image.alt = "";
  span.append(image);
  return span;
}

window.lamellaFind = (place, input, root) => {
  const data = window.lamellaSearch;
  const all = documents(data);
  const names = new Map(all.map((one) => [one.name.toLowerCase(), one]));
  const index = new MiniSearch({
    fields: ["name", "words"],
    tokenize: split,
    searchOptions: { prefix: true, combineWith: "AND", boost: { name: 2 } },
  });
  index.addAll(all);

  const list = document.createElement("ul");
  list.id = "found";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Search results");
  list.hidden = true;
  place.append(list);
  const say = document.createElement("p");
  say.className = "unseen";
  say.setAttribute("role", "status");
  place.append(say);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", "found");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-autocomplete", "list");

  let shown = [];
  let chosen = -1;

  function find(query) {
    // A unit's or layer's own name wins over everything that merely resembles it.
    const exact = names.get(query.toLowerCase());
    const first = exact ? [exact] : [];
    const found = index.search(query).map(({ id }) => all[id]).filter((one) => one !== exact);
    // Then those that begin with what was typed, layers before their units.
    const begins = (one) => one.name.toLowerCase().startsWith(query.toLowerCase());
    const near = found.filter(begins).sort((a, b) => (a.layer ? 1 : 0) - (b.layer ? 1 : 0) || a.id - b.id);
    return [...first, ...near, ...found.filter((one) => !begins(one))];
  }

  function option(one, at) {
    const item = document.createElement("li");
    item.id = `found-${at}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    if (one.layer) item.append(thumbnail(data, root, one));
    const name = document.createElement("bdi");
    name.textContent = one.name;
    const detail = document.createElement("small");
    detail.textContent = one.detail;
    item.append(name, detail);
    item.addEventListener("pointerdown", (event) => event.preventDefault());
    item.addEventListener("click", () => go(one));
    return item;
  }

  function show() {
    const query = input.value.trim();
    shown = query ? find(query).slice(0, MOST) : [];
    list.replaceChildren(...shown.map(option));
    if (query && !shown.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      none.setAttribute("aria-selected", "false");
      none.textContent = "Nothing found";
      list.append(none);
    }
    say.textContent = query ? `${shown.length} found` : "";
    open(query !== "");
    choose(shown.length ? 0 : -1);
  }

  function open(yes) {
    list.hidden = !yes;
    input.setAttribute("aria-expanded", String(yes));
    if (!yes) input.removeAttribute("aria-activedescendant");
  }

  function choose(at) {
    list.children[chosen]?.setAttribute("aria-selected", "false");
    chosen = at;
    if (at < 0) return input.removeAttribute("aria-activedescendant");
    list.children[at].setAttribute("aria-selected", "true");
    list.children[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", `found-${at}`);
  }

  function go(one) {
    location.href = root + one.page;
  }

  input.addEventListener("input", show);
  input.addEventListener("focus", () => input.value && show());
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) choose((chosen + step + shown.length) % shown.length);
    else if (event.key === "Enter" && shown[chosen]) go(shown[chosen]);
    else if (event.key === "Escape" && !list.hidden) open(false);
    else return;
    event.preventDefault();
  });
  if (input.value) show();
};

// The numbers behind heat maps: where the pointer, a finger or the arrow keys are. The maps of one
// row show the same image, so all of them say what they have at that place.

const STEPS = 254; // from the lowest number to the highest
const MISSING = 255;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const GAP = 14; // pixels between a place and its number
const EDGE = 3; // pixels between a map and what its number is
const ROOM = 64; // pixels above a map for that

let shown = null; // the row whose places are marked
let status = null;

export function showReadings() {
  const maps = document.querySelectorAll(".read");
  if (!maps.length) return;
  for (const note of document.querySelectorAll(".reads")) note.hidden = false;
  status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("role", "status");
  document.querySelector("main").append(status);
  for (const row of new Set([...maps].map((map) => map.closest(".gallery.maps") ?? map))) {
    const places = row.matches(".read") ? [row] : [...row.querySelectorAll("li")].map(place);
    follow({ places: places.filter(Boolean), x: 0.5, y: 0.5 });
  }
  document.addEventListener("pointerdown", (event) => {
    if (shown && !shown.places.some((one) => one.contains(event.target))) hide();
  });
}

// The place of a picture: a map's own, and one that is put around a photograph.
function place(tile) {
  const known = tile.querySelector(".read");
  if (known) return known;
  const picture = tile.querySelector(".pic, .cell");
  if (!picture) return null;
  const around = document.createElement("span");
  around.className = "read";
  picture.before(around);
  around.append(picture);
  return around;
}

function follow(row) {
  for (const one of row.places) {
    const pointed = (event) => {
      const box = one.getBoundingClientRect();
      mark(row, one, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    };
    one.addEventListener("pointerdown", pointed);
    one.addEventListener("pointermove", pointed);
    one.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && document.activeElement !== one) hide();
    });
    if (!one.dataset.read || one.closest("a")) continue;
    const picture = one.querySelector("img, svg");
    const name = picture.getAttribute("alt") ?? picture.getAttribute("aria-label");
    one.tabIndex = 0;
    one.setAttribute("role", "application");
    one.setAttribute("aria-roledescription", "map");
    one.setAttribute("aria-label", `${name} Arrow keys read its numbers.`);
    one.addEventListener("keydown", (event) => moveByKey(event, row, one));
    one.addEventListener("focus", () => {
      if (one.matches(":focus-visible")) mark(row, one, row.x, row.y);
    });
    one.addEventListener("blur", () => {
      if (row.pointed === one) hide();
    });
  }
}

// Arrow keys go from one number of the map to the next.
function moveByKey(event, row, one) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const step = ARROWS[event.key];
  if (event.key === "Escape") hide();
  if (!step) return;
  event.preventDefault();
  const columns = Number(one.dataset.columns);
  const rows = Number(one.dataset.rows);
  const column = limited(index(row.x, columns) + step[0], columns);
  const line = limited(index(row.y, rows) + step[1], rows);
  mark(row, one, (column + 0.5) / columns, (line + 0.5) / rows);
  status.textContent = `Row ${line + 1} of ${rows}, column ${column + 1} of ${columns}: ${described(one, number(one, row))}`;
}

function limited(at, count) {
  return Math.max(0, Math.min(count - 1, at));
}

function index(share, count) {
  return limited(Math.floor(share * count), count);
}

// Mark a place, from 0 to 1 along either axis, in all maps of a row.
function mark(row, pointed, x, y) {
  if (shown && shown !== row) hide();
  shown = row;
  row.pointed = pointed;
  row.x = Math.max(0, Math.min(1, x));
  row.y = Math.max(0, Math.min(1, y));
  for (const one of row.places) {
    const [ring, label, words] = marks(one);
    const box = one.getBoundingClientRect();
    const [left, top] = [row.x * box.width, row.y * box.height];
    const value = one.dataset.read && number(one, row);
    placed(ring, left, top);
    label.hidden = !one.dataset.read;
    words.hidden = label.hidden || one !== pointed;
    if (label.hidden) continue;
    // Towards the middle of the window, and above the finger where there is room.
    const back = box.left + left > middle();
    const below = top < 34;
    label.textContent = formatted(one, value) + (one.dataset.words.startsWith("{} %") ? " %" : "");
    placed(label, left, top + (below ? GAP : -GAP), back, !below);
    // What the number is stands outside of the map, and so over none of the row.
    const under = box.top < ROOM;
    words.textContent = described(one, value);
    placed(words, back ? box.width : 0, under ? box.height + EDGE : -EDGE, back, !under);
  }
}

function middle() {
  return document.documentElement.clientWidth / 2;
}

// Put something at a place, at its left or right of it, below or above.
function placed(mark, left, top, back = false, above = false) {
  mark.style.left = `${left}px`;
  mark.style.top = `${top}px`;
  if (mark.className === "ring") return;
  mark.style.transform = `translate(${back ? "-100%" : "0"}, ${above ? "-100%" : "0"})`;
}

function marks(one) {
  const known = one.querySelectorAll(".ring, .readout");
  if (known.length) return known;
  const made = ["ring", "readout", "readout words"].map((name) => {
    const mark = document.createElement("span");
    mark.className = name;
    mark.setAttribute("aria-hidden", "true");
    return mark;
  });
  one.append(...made);
  return made;
}

function hide() {
  for (const one of shown?.places ?? []) {
    for (const mark of one.querySelectorAll(".ring, .readout")) mark.remove();
  }
  shown = null;
}

// What a map has at the marked place of its row; null where there is no number.
function number(one, row) {
  one.numbers ??= Uint8Array.from(atob(one.dataset.read), (sign) => sign.charCodeAt(0));
  const [rows, columns] = [Number(one.dataset.rows), Number(one.dataset.columns)];
  const level = one.numbers[index(row.y, rows) * columns + index(row.x, columns)];
  const [low, high] = [Number(one.dataset.low), Number(one.dataset.high)];
  return level === MISSING ? null : low + ((high - low) * level) / STEPS;
}

function described(one, value) {
  return value === null ? "no number here" : one.dataset.words.replace("{}", formatted(one, value));
}

// A number with as many digits as its bytes can tell.
function formatted(one, value) {
  if (value === null) return "none";
  const step = (Number(one.dataset.high) - Number(one.dataset.low)) / STEPS;
  const digits = step > 0 ? Math.floor(-Math.log10(step)) : 3;
  const largest = Math.max(Math.abs(Number(one.dataset.high)), Math.abs(Number(one.dataset.low)));
  const plain = digits > 6 || largest >= 1e6
    ? Number(value.toPrecision(2)).toString()
    : Number(value.toFixed(Math.max(0, digits))).toString();
  return plain.replace("-", "\u2212");
}

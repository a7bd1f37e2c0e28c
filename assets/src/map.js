// The map of all units: dots from afar, pictures from near, one page per unit behind each.
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { legend, switcher } from "./map_controls.js";
import { MapCanvas } from "./map_canvas.js";
import { Sprites } from "./map_sprites.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MARGIN = 30; // pixels from the border at which the map follows the keyboard
const still = matchMedia("(prefers-reduced-motion: reduce)");
const data = window.lamellaMap;
const stage = document.querySelector(".stage");

if (data && stage) start();

function start() {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", stage.dataset.label);
  canvas.setAttribute("aria-describedby", "map-keys");
  const card = document.createElement("a");
  card.className = "card";
  card.hidden = true;
  card.tabIndex = -1;
  const status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("role", "status");
  stage.append(canvas, card, status);

  const context = canvas.getContext("2d");
  const sprites = new Sprites(data, () => draw());
  const mapCanvas = new MapCanvas(data, sprites);
  let chosen = -1;
  let pending = 0;
  let moving = 0;

  function draw() {
    if (!pending) pending = requestAnimationFrame(paint);
  }

  function paint() {
    pending = 0;
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    mapCanvas.paint(context, chosen, getComputedStyle(canvas).color);
  }

  // Mark a unit and show its card; -1 for none.
  function choose(unit) {
    chosen = unit;
    canvas.style.cursor = unit < 0 ? "grab" : "pointer";
    card.hidden = unit < 0;
    if (unit >= 0) {
      const name = document.createElement("bdi");
      name.textContent = mapCanvas.nameOf(unit);
      card.href = mapCanvas.pageOf(unit);
      const { layer, channel } = mapCanvas.units;
      card.replaceChildren(sprites.element(layer[unit], channel[unit]), name);
      const right = mapCanvas.x(unit) > mapCanvas.width - 190;
      const below = mapCanvas.y(unit) > mapCanvas.height - 220;
      card.style.left = `${mapCanvas.x(unit) + (right ? -16 : 16)}px`;
      card.style.top = `${mapCanvas.y(unit) + (below ? -12 : 12)}px`;
      card.style.transform = `translate(${right ? "-100%" : "0"}, ${below ? "-100%" : "0"})`;
    }
    draw();
  }

  const behaviour = zoom()
    .scaleExtent([0.7, 400])
    .on("zoom", (event) => {
      mapCanvas.view = event.transform;
      if (chosen >= 0) choose(event.sourceEvent ? -1 : chosen);
      draw();
    });
  const surface = select(canvas);
  surface.call(behaviour).on("dblclick.zoom", null);

  function centre(unit, scale = Math.max(mapCanvas.view.k, 6)) {
    surface.call(behaviour.transform, mapCanvas.centred(unit, scale));
    choose(unit);
  }

  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons || event.pointerType === "touch") return;
    const unit = mapCanvas.under(event.offsetX, event.offsetY);
    if (unit !== chosen) choose(unit);
  });
  canvas.addEventListener("click", (event) => {
    const unit = mapCanvas.under(event.offsetX, event.offsetY);
    // A finger cannot hover: its first tap shows the card, which leads to the page.
    if (unit < 0 || (event.pointerType === "touch" && unit !== chosen)) choose(unit);
    else if (event.ctrlKey || event.metaKey) window.open(mapCanvas.pageOf(unit));
    else location.href = mapCanvas.pageOf(unit);
  });
  canvas.addEventListener("keydown", (event) => {
    if (ARROWS[event.key]) moveTowards(...ARROWS[event.key]);
    else if (event.key === "Enter" && chosen >= 0) location.href = mapCanvas.pageOf(chosen);
    else if (event.key === "+" || event.key === "=") scaled(1.5);
    else if (event.key === "-") scaled(1 / 1.5);
    else if (event.key === "0") surface.call(behaviour.transform, zoomIdentity);
    else if (event.key === "Escape") choose(-1);
    else return;
    event.preventDefault();
  });

  function moveTowards(dx, dy) {
    choose(mapCanvas.towards(chosen, dx, dy));
    if (chosen < 0) return;
    status.textContent = mapCanvas.nameOf(chosen);
    const [x, y] = [mapCanvas.x(chosen), mapCanvas.y(chosen)];
    const inside = Math.min(x, y, mapCanvas.width - x, mapCanvas.height - y) > MARGIN;
    if (!inside) centre(chosen, mapCanvas.view.k);
  }

  function scaled(factor) {
    const at = chosen >= 0 ? [mapCanvas.x(chosen), mapCanvas.y(chosen)] : undefined;
    surface.call(behaviour.scaleBy, factor, at);
  }

  // Let all units go from one placement to another.
  function change(name) {
    const from = mapCanvas.places;
    const to = mapCanvas.placesOf(name);
    const began = performance.now();
    const duration = still.matches ? 0 : 700;
    cancelAnimationFrame(moving);
    choose(-1);
    const step = (now) => {
      const part = duration ? Math.min(1, Math.max(0, (now - began) / duration)) : 1;
      const eased = part * part * (3 - 2 * part);
      const between = () => from.map((value, at) => value + (to[at] - value) * eased);
      mapCanvas.place(part < 1 ? between() : to, part < 1);
      if (part < 1) moving = requestAnimationFrame(step);
      draw();
    };
    step(began);
  }

  function fit() {
    mapCanvas.resize(stage.clientWidth, stage.clientHeight);
    const { width, height } = mapCanvas;
    canvas.width = Math.round(width * (devicePixelRatio || 1));
    canvas.height = Math.round(height * (devicePixelRatio || 1));
    behaviour.extent([[0, 0], [width, height]]);
    behaviour.translateExtent([[-width, -height], [2 * width, 2 * height]]);
    draw();
  }

  // `#layer:channel` names a unit to show.
  function follow() {
    let name = "";
    try {
      name = decodeURIComponent(location.hash.slice(1));
    } catch {
      return;
    }
    const at = name.lastIndexOf(":");
    const layer = data.layers.findIndex((one) => one.name === name.slice(0, at));
    const channel = Number(name.slice(at + 1));
    if (layer < 0 || !(channel >= 0 && channel < data.layers[layer].channels)) return;
    const unit = mapCanvas.units.first[layer] + channel;
    if (!mapCanvas.visible(unit)) return;
    centre(unit);
    status.textContent = mapCanvas.nameOf(unit);
  }

  switcher(Object.keys(data.placements), change);
  legend(data, mapCanvas.hidden, () => choose(-1));
  for (const button of document.querySelectorAll("[data-zoom]")) {
    const factor = Number(button.dataset.zoom);
    button.addEventListener("click", () =>
      factor
        ? surface.call(behaviour.scaleBy, factor)
        : surface.call(behaviour.transform, zoomIdentity));
  }
  new ResizeObserver(fit).observe(stage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("hashchange", follow);
  fit();
  follow();
}

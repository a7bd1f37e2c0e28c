// Pictures to zoom into: OpenSeadragon over the still picture, tiles named by the page itself.
import OpenSeadragon from "openseadragon";
import { Spots } from "./zoom_spots.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const finger = matchMedia("(hover: none)");
const OURS = new Set("ArrowLeft ArrowRight ArrowUp ArrowDown + = - _ 0".split(" "));
const LEAST = 4; // times that even a small picture can be enlarged
const EAGER = "600px"; // a viewer is made when its place comes this near to the window

// How the tiles of a figure are found; the page says where each level begins.
function source({ tile, levels, folder, name }) {
  const [width, height] = levels[levels.length - 1];
  return {
    width,
    height,
    tileSize: tile,
    tileOverlap: 0,
    minLevel: 0,
    maxLevel: levels.length - 1,
    hasTransparency: () => true, // or coarser tiles shine through finer ones
    getTileUrl: (level, x, y) => {
      const across = Math.ceil(levels[level][0] / tile);
      return `${folder}${levels[level][2] + y * across + x}-${name}.webp`;
    },
  };
}

// The library would add a style sheet of its own, which the page's policy forbids, unless it finds
// that it has done so. This one is of no namespace, so nothing to the browser; the site's own style
// sheet says the same.
function styled() {
  const style = document.createElementNS(null, "style");
  style.setAttribute("data-openseadragon-mobile-css", "true");
  document.head.append(style);
}

function open(stage, data) {
  const place = document.createElement("div");
  place.className = "viewer";
  stage.append(place);
  const duration = still.matches ? 0.001 : 0.7;
  const mouse = { clickToZoom: false, dblClickToZoom: true };
  const viewer = OpenSeadragon({
    element: place,
    drawer: "canvas", // the others go black on file://
    tileSources: source(data),
    crossOriginPolicy: false,
    showNavigationControl: false,
    animationTime: duration,
    maxZoomPixelRatio: 2,
    visibilityRatio: 0.6,
    minZoomImageRatio: 0.8,
    zoomPerScroll: 1.3,
    gestureSettingsMouse: mouse,
    gestureSettingsPen: mouse,
    cooperativeGestures: true, // the page scrolls on; Ctrl or two fingers zoom
  });
  viewer.canvas.setAttribute("role", "application");
  viewer.canvas.setAttribute("aria-label", stage.dataset.label);
  viewer.addHandler("canvas-key", (event) => {
    event.preventDefaultAction = !OURS.has(event.originalEvent.key); // no turning, no flipping
  });
  viewer.addHandler("open", () => {
    stage.classList.add("opened");
    const port = viewer.viewport;
    port.maxZoomLevel = Math.max(port.getMaxZoom(), LEAST * port.getHomeZoom());
    if (data.spots.length) new Spots(viewer, stage, data.spots);
  });

  // Whoever has clicked into the picture means it: then the wheel alone zooms.
  const figure = stage.parentElement;
  const engaged = () => document.fullscreenElement === stage
    || (!finger.matches && figure.contains(document.activeElement));
  const settle = () => viewer.setCooperativeGestures(!engaged());
  figure.addEventListener("focusin", settle);
  figure.addEventListener("focusout", () => setTimeout(settle)); // the next focus is not set yet
  document.addEventListener("fullscreenchange", settle);

  const buttons = figure.querySelector(".zooms");
  const zoomed = (factor) => () => {
    viewer.viewport.zoomBy(factor);
    viewer.viewport.applyConstraints();
  };
  buttons.append(
    button("+", "Zoom in", zoomed(1.6)),
    button("\u2212", "Zoom out", zoomed(1 / 1.6)),
    button("Reset", "", () => viewer.viewport.goHome()),
  );
  if (document.fullscreenEnabled) {
    buttons.append(button("Full screen", "", () => stage.requestFullscreen()));
  }
}

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    const data = JSON.parse(target.dataset.zoom);
    if (data.levels.length) open(target, data);
  }
}, { rootMargin: EAGER });
styled();
for (const stage of document.querySelectorAll(".deep[data-zoom]")) near.observe(stage);

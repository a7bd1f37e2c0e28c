// Named places of a picture to zoom into: a frame and a label under the pointer, a page behind.
import OpenSeadragon from "openseadragon";

const SMALL = 18; // pixels on the screen below which nobody can aim at a spot: a click zooms in

export class Spots {
  constructor(viewer, stage, spots) {
    this.viewer = viewer;
    this.spots = spots; // [left, top, width, height, label, link], and a level for some
    this.chosen = null;

    // A real link, so that it can be opened in a tab or copied. It lies inside the viewer, which
    // therefore still sees drags and wheels over it.
    this.frame = document.createElement("a");
    this.frame.className = "spot";
    this.frame.tabIndex = -1;
    this.frame.draggable = false;
    this.frame.hidden = true;
    viewer.canvas.append(this.frame);
    this.label = document.createElement("a");
    this.label.className = "spot-label";
    this.label.hidden = true;
    this.name = document.createElement("bdi");
    this.label.append(this.name);
    stage.append(this.label);

    viewer.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch") this.choose(this.under(event.clientX, event.clientY));
    });
    viewer.canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.choose(null);
    });
    this.frame.addEventListener("click", (event) => event.preventDefault()); // the viewer's is it
    viewer.addHandler("canvas-click", (event) => this.clicked(event));
    viewer.addHandler("update-viewport", () => this.draw());
  }

  // The rectangle of a spot on the canvas.
  shape([left, top, width, height]) {
    const item = this.viewer.world.getItemAt(0);
    const at = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(left, top));
    const to = new OpenSeadragon.Point(left + width, top + height);
    const end = item.imageToViewerElementCoordinates(to);
    return { left: at.x, top: at.y, width: end.x - at.x, height: end.y - at.y };
  }

  under(x, y) {
    const item = this.viewer.world.getItemAt(0);
    if (!item) return null;
    const box = this.viewer.canvas.getBoundingClientRect();
    const at = new OpenSeadragon.Point(x - box.left, y - box.top);
    const inside = item.viewerElementToImageCoordinates(at);
    const shown = Math.max(...item.getTilesToDraw().map(({ tile }) => tile.level));
    for (let index = this.spots.length - 1; index >= 0; index--) {
      const [left, top, width, height, , , level] = this.spots[index];
      if (level !== undefined && level !== shown) continue;
      const over = inside.x >= left && inside.x < left + width;
      if (over && inside.y >= top && inside.y < top + height) return this.spots[index];
    }
    return null;
  }

  large(spot) {
    const { width, height } = this.shape(spot);
    return Math.max(width, height) >= SMALL;
  }

  choose(spot) {
    if (spot === this.chosen) return;
    this.chosen = spot;
    this.frame.hidden = this.label.hidden = !spot;
    if (!spot) return;
    this.name.textContent = spot[4];
    for (const link of [this.frame, this.label]) {
      if (spot[5]) link.href = spot[5];
      else link.removeAttribute("href");
    }
    this.draw();
  }

  draw() {
    if (!this.chosen) return;
    for (const [side, pixels] of Object.entries(this.shape(this.chosen))) {
      this.frame.style[side] = `${pixels}px`;
    }
  }

  clicked(event) {
    if (!event.quick) return;
    const { clientX, clientY, pointerType, ctrlKey, metaKey } = event.originalEvent;
    const spot = this.under(clientX, clientY);
    if (spot && !this.large(spot)) {
      const at = this.viewer.viewport.pointFromPixel(event.position);
      this.viewer.viewport.zoomBy(2.5, at);
      this.viewer.viewport.applyConstraints();
    } else if (pointerType === "touch" && spot !== this.chosen) {
      this.choose(spot); // a finger cannot hover: its first tap shows the name
    } else if (spot && spot[5]) {
      if (ctrlKey || metaKey) window.open(spot[5]);
      else location.href = spot[5];
    }
  }
}

// Where units lie on the canvas, which are in view, and how they are drawn.
import { zoomIdentity } from "d3-zoom";
import KDBush from "kdbush";
import { decoded, placed } from "./map_data.js";

const CLOSE = 18; // pixels from a dot that still count as on it
const PICTURES = 420; // with fewer units than this in view, they are drawn as pictures
const NEAR = 1.6; // no pictures before one has come this much nearer

export class MapCanvas {
  constructor(data, sprites) {
    this.data = data;
    this.sprites = sprites;
    this.units = decoded(data);
    this.hidden = new Set(); // layers
    this.view = zoomIdentity;
    this.width = this.height = this.side = 1;
    this.picture = 64; // side of a unit's picture, now
    this.moving = false;
    this.place(this.placesOf(Object.keys(data.placements)[0]));
  }

  placesOf(name) {
    return placed(this.units, this.data.placements[name]);
  }

  // Put all units where `places` says, x and y of each; while they move, the tree is left alone.
  place(places, moving = false) {
    this.places = places;
    this.moving = moving;
    if (moving) return;
    this.tree = new KDBush(this.units.number, 64, Float32Array);
    for (let unit = 0; unit < this.units.number; unit++) {
      this.tree.add(places[2 * unit], places[2 * unit + 1]);
    }
    this.tree.finish();
  }

  resize(width, height) {
    Object.assign(this, { width, height, side: Math.min(width, height) * 0.92 });
  }

  layerOf(unit) {
    return this.data.layers[this.units.layer[unit]];
  }

  nameOf(unit) {
    return `${this.layerOf(unit).name}:${this.units.channel[unit]}`;
  }

  pageOf(unit) {
    return `${this.layerOf(unit).folder}/${this.units.channel[unit]}.html`;
  }

  visible(unit) {
    return this.places[2 * unit] >= 0 && !this.hidden.has(this.units.layer[unit]);
  }

  x(unit) {
    return this.view.applyX((this.places[2 * unit] - 0.5) * this.side + this.width / 2);
  }

  y(unit) {
    return this.view.applyY((0.5 - this.places[2 * unit + 1]) * this.side + this.height / 2);
  }

  // From pixels of the canvas to places, 0 to 1.
  inverted(px, py) {
    const [x, y] = this.view.invert([px, py]);
    return [(x - this.width / 2) / this.side + 0.5, 0.5 - (y - this.height / 2) / this.side];
  }

  // The view that has a unit in its middle.
  centred(unit, scale) {
    return zoomIdentity
      .translate(this.width / 2, this.height / 2)
      .scale(scale)
      .translate(
        -(this.places[2 * unit] - 0.5) * this.side - this.width / 2,
        -(0.5 - this.places[2 * unit + 1]) * this.side - this.height / 2,
      );
  }

  all() {
    const units = Array.from({ length: this.units.number }, (_, unit) => unit);
    return units.filter((unit) => this.visible(unit));
  }

  // The units in view, by the tree: the cost follows what is seen, not what there is.
  inView() {
    const [left, top] = this.inverted(-40, -40);
    const [right, bottom] = this.inverted(this.width + 40, this.height + 40);
    const found = this.tree.range(left, bottom, right, top);
    return found.filter((unit) => this.visible(unit)).sort((a, b) => a - b);
  }

  large(seen) {
    return !this.moving && this.view.k > NEAR && seen.length <= PICTURES;
  }

  // The unit under the pointer, or -1.
  under(px, py) {
    let least = this.large(this.inView()) ? Math.max(CLOSE, this.picture / 2) : CLOSE;
    const reach = least / (this.side * this.view.k);
    let found = -1;
    for (const unit of this.tree.within(...this.inverted(px, py), reach)) {
      const far = Math.hypot(this.x(unit) - px, this.y(unit) - py);
      if (this.visible(unit) && far <= least) [found, least] = [unit, far];
    }
    return found;
  }

  // The unit for which `cost` is least and not infinite, or -1.
  least(cost) {
    let found = -1;
    let least = Infinity;
    for (let unit = 0; unit < this.units.number; unit++) {
      const far = this.visible(unit) ? cost(unit) : Infinity;
      if (far < least) [found, least] = [unit, far];
    }
    return found;
  }

  // The nearest unit in the direction of an arrow key, those straight ahead first.
  towards(from, dx, dy) {
    if (from < 0 || !this.visible(from)) {
      return this.least((unit) =>
        Math.hypot(this.x(unit) - this.width / 2, this.y(unit) - this.height / 2));
    }
    const [x, y] = [this.x(from), this.y(from)];
    const found = this.least((unit) => {
      const ahead = (this.x(unit) - x) * dx + (this.y(unit) - y) * dy;
      const aside = Math.abs((this.x(unit) - x) * dy) + Math.abs((this.y(unit) - y) * dx);
      return unit !== from && ahead > 0.5 && ahead >= aside ? ahead + 2 * aside : Infinity;
    });
    return found < 0 ? from : found;
  }

  paint(context, chosen, ink) {
    context.clearRect(0, 0, this.width, this.height);
    const seen = this.moving ? this.all() : this.inView();
    const large = this.large(seen);
    if (large) this.pictures(context, seen);
    else this.dots(context, seen);
    if (chosen < 0 || !this.visible(chosen)) return;
    if (large) this.thumbnail(context, chosen);
    const reach = large ? this.picture / 2 + 4 : 8;
    context.strokeStyle = ink;
    context.lineWidth = 2.5;
    context.strokeRect(this.x(chosen) - reach, this.y(chosen) - reach, 2 * reach, 2 * reach);
  }

  dots(context, seen) {
    const number = this.units.number;
    const radius = Math.min(5, Math.max(1.2, 2.4 * Math.sqrt((this.view.k * 3000) / number)));
    context.globalAlpha = 0.85;
    let layer = -1;
    for (const unit of seen) {
      if (this.units.layer[unit] !== layer) {
        if (layer >= 0) context.fill();
        layer = this.units.layer[unit];
        context.fillStyle = this.data.layers[layer].colour;
        context.beginPath();
      }
      const [x, y] = [this.x(unit), this.y(unit)];
      if (number > 30000) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
      else {
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 7);
      }
    }
    if (layer >= 0) context.fill();
    context.globalAlpha = 1;
  }

  // As large as fits the number of them.
  pictures(context, seen) {
    const room = Math.sqrt((this.width * this.height) / Math.max(1, seen.length));
    this.picture = Math.max(14, Math.min(64, 0.62 * room));
    for (const unit of seen) this.thumbnail(context, unit);
  }

  thumbnail(context, unit) {
    const size = this.picture;
    const [left, top] = [this.x(unit) - size / 2, this.y(unit) - size / 2];
    context.fillStyle = this.layerOf(unit).colour;
    context.fillRect(left - 1.5, top - 1.5, size + 3, size + 3);
    const { layer, channel } = this.units;
    this.sprites.paint(context, layer[unit], channel[unit], left, top, size);
  }
}

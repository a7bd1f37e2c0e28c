// Thumbnails on the map: sheets of 64, decoded before they are drawn, the oldest forgotten.
// Drawn straight from onload, they would stall the first zoom for a second.

const PER_SHEET = 64;
const SIDE = 8;
const SIZE = 64;
const KEPT = 160; // sheets of 1 MB each in memory

export class Sprites {
  constructor(data, loaded) {
    this.data = data;
    this.loaded = loaded;
    this.sheets = new Map();
  }

  address(layer, sheet) {
    return `${this.data.layers[layer].folder}/sprite-${sheet}.webp`;
  }

  // Draw a unit's thumbnail if its sheet is here; otherwise ask for it, and leave the colour.
  paint(context, layer, channel, left, top, size) {
    const sheet = this.sheet(layer, Math.floor(channel / PER_SHEET));
    if (!sheet) return;
    const cell = channel % PER_SHEET;
    const column = (cell % SIDE) * SIZE;
    const row = Math.floor(cell / SIDE) * SIZE;
    context.drawImage(sheet, column, row, SIZE, SIZE, left, top, size, size);
  }

  sheet(layer, number) {
    const address = this.address(layer, number);
    const known = this.sheets.get(address);
    if (known !== undefined) {
      this.sheets.delete(address);
      this.sheets.set(address, known);
      return known;
    }
    this.sheets.set(address, null);
    this.fetch(address);
    return null;
  }

  async fetch(address) {
    const image = new Image();
    image.src = address;
    try {
      await image.decode();
      this.sheets.set(address, await createImageBitmap(image));
    } catch {
      return; // a missing sheet leaves its units as colours
    }
    for (const oldest of this.sheets.keys()) {
      if (this.sheets.size <= KEPT) break;
      this.sheets.get(oldest)?.close();
      this.sheets.delete(oldest);
    }
    this.loaded();
  }

  // The same thumbnail as an element, for the card.
  element(layer, channel) {
    const cell = channel % PER_SHEET;
    const span = document.createElement("span");
    span.className = `cell c${SIDE} x${cell % SIDE} y${Math.floor(cell / SIDE)}`;
    const image = document.createElement("img");
    image.src = this.address(layer, Math.floor(channel / PER_SHEET));
    image.alt = "";
    span.append(image);
    return span;
  }
}

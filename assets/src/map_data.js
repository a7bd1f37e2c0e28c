// The compact form of the map's data, unpacked: base64 of uint16 pairs, 0 for a unit with no place.

// Which layer and channel each unit is, counting through the whole network.
export function decoded(data) {
  const number = data.layers.reduce((sum, layer) => sum + layer.channels, 0);
  const units = {
    number,
    layer: new Uint16Array(number),
    channel: new Uint32Array(number),
    first: [],
  };
  let unit = 0;
  data.layers.forEach((layer, at) => {
    units.first.push(unit);
    for (let channel = 0; channel < layer.channels; channel++, unit++) {
      units.layer[unit] = at;
      units.channel[unit] = channel;
    }
  });
  return units;
}

// Where units lie, x and y from 0 to 1; -1 for a unit with no place.
export function placed(units, packed) {
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const places = new Float32Array(2 * units.number);
  for (let at = 0; at < places.length; at++) {
    const value = view.getUint16(2 * at, true);
    places[at] = value ? (value - 1) / 65534 : -1;
  }
  return places;
}

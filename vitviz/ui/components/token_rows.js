// The tokens of one picture, and how alike they are to another token.

class TokenPicture {
  constructor({ rows, columns, title }, channels, part, place) {
    Object.assign(this, { rows, columns, title, channels });
    this.patches = rows * columns;
    this.units = unitTokens(part(`tokens${place}`, Int16Array), part(`scales${place}`, Float32Array), channels);
    this.colours = paintedCells(rows, columns, rgbPixels(part(`colours${place}`, Uint8Array)));
    this.cells = document.createElement("canvas");
    this.photo = new Image();
    this.photo.src = URL.createObjectURL(new Blob([part(`photo${place}`, Uint8Array)], { type: "image/jpeg" }));
    this.likeness = new Float32Array(this.patches);
  }

  token(patch) {
    return this.units.subarray(patch * this.channels, (patch + 1) * this.channels);
  }

  /** Compare all patches with a unit token; `itself` is the patch that it belongs to, or null. */
  compare(token, itself) {
    const { likeness, units, channels } = this;
    this.best = null;
    this.low = Infinity;
    this.high = -Infinity;
    for (let patch = 0; patch < this.patches; patch++) {
      let sum = 0;
      for (let channel = 0, at = patch * channels; channel < channels; channel++, at++) sum += token[channel] * units[at];
      likeness[patch] = sum;
      if (patch === itself) continue;
      this.low = Math.min(this.low, sum);
      if (sum > this.high) [this.high, this.best] = [sum, patch];
    }
  }

  /** Colour the likeness with a table, from `low` to `high`. */
  paint(table, low, high) {
    const span = high - low || 1;
    const pixels = Uint32Array.from(this.likeness, (value) => {
      return table[Math.round(255 * Math.min(1, Math.max(0, (value - low) / span)))];
    });
    paintedCells(this.rows, this.columns, pixels, this.cells);
  }

  dispose() {
    URL.revokeObjectURL(this.photo.src);
  }
}

/** Unit vectors from whole numbers and one factor a patch. */
function unitTokens(whole, scales, channels) {
  const units = new Float32Array(whole.length);
  for (let i = 0; i < whole.length; i++) units[i] = whole[i] * scales[Math.floor(i / channels)];
  return units;
}

/** RGB bytes as opaque pixels. */
function rgbPixels(bytes) {
  return Uint32Array.from({ length: bytes.length / 3 }, (_, i) => {
    return (255 << 24) | (bytes[3 * i + 2] << 16) | (bytes[3 * i + 1] << 8) | bytes[3 * i];
  });
}

/** A canvas with one pixel a patch. */
function paintedCells(rows, columns, pixels, canvas = document.createElement("canvas")) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  new Uint32Array(image.data.buffer).set(pixels);
  context.putImageData(image, 0, 0);
  return canvas;
}

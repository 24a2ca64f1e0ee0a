// The head atlas: one number a head as a matrix of cells. Layer 0 is the top row: down is deeper, as one reads.

class HeadAtlas {
  constructor(root) {
    this.app = root.querySelector(".atlas");
    this.find = (selector) => this.app.querySelector(selector);
    this.canvas = this.find("canvas");
    this.hover = null; // the cell under the pointer or the keyboard cursor, or null
    this.observer = new ResizeObserver(() => this.repaint());
    bindCells(this);
  }

  receive(bytes) {
    const { meta, part } = unpack(bytes);
    this.meta = meta;
    this.values = part("values", Float32Array);
    this.table = colourTable(part("palette", Uint8Array));
    this.selected = meta.selected;
    this.ticked = new Set(meta.ticked);
    this.ranks = rankCells(this.values);
    if (this.hover !== null && this.hover >= this.values.length) this.hover = null;
    writeFrame(this);
    this.observer.observe(this.app);
    this.repaint();
    this.app.dataset.ready = meta.content;
  }

  /** The cell that the numbers are about: under the pointer, else the selected one. */
  get cell() {
    return this.hover ?? this.selected;
  }

  /** [layer, head] of a cell. */
  place(cell) {
    return [Math.floor(cell / this.meta.heads), cell % this.meta.heads];
  }

  show(cell) {
    if (cell === this.hover) return;
    this.hover = cell;
    this.repaint();
  }

  pick(cell) {
    if (cell === null) return;
    this.selected = cell;
    this.repaint();
    this.sendCell("picked", cell);
  }

  tick(cell) {
    if (cell === null || !this.meta.tickable) return;
    if (!this.ticked.delete(cell)) this.ticked.add(cell);
    this.repaint();
    const heads = [...this.ticked].map((other) => this.place(other)); // all: of changes in a row the last may be heard alone
    clearTimeout(this.sending);
    this.sending = setTimeout(() => this.send("ticked", { heads }), 200);
  }

  sendCell(name, cell) {
    const [layer, head] = this.place(cell);
    this.send(name, { layer, head });
  }

  repaint() {
    if (!this.meta) return;
    fitCanvas(this.canvas);
    paintCells(this);
    writeReadout(this);
    this.app.dataset.hover = this.hover === null ? "" : this.nameOf(this.hover);
    this.app.dataset.selected = this.selected === null ? "" : this.nameOf(this.selected);
    this.app.dataset.ticked = [...this.ticked].sort((a, b) => a - b).map((cell) => this.nameOf(cell)).join(" ");
  }

  nameOf(cell) {
    const [layer, head] = this.place(cell);
    return fill(this.meta.labels.head_name, { layer, head });
  }

  dispose() {
    this.observer.disconnect();
    clearTimeout(this.speaking);
  }
}

/** Rank of every cell, 1 for the largest; equal values share a rank; 0 for a cell without a value. */
function rankCells(values) {
  const order = Array.from(values.keys()).filter((cell) => !Number.isNaN(values[cell]));
  order.sort((a, b) => values[b] - values[a]);
  const ranks = new Uint32Array(values.length);
  order.forEach((cell, place) => {
    const tied = place && values[cell] === values[order[place - 1]];
    ranks[cell] = tied ? ranks[order[place - 1]] : place + 1;
  });
  return ranks;
}

function bindCells(atlas) {
  const cells = atlas.find(".cells");
  const under = (event) => patchUnder(atlas.canvas, { rows: atlas.meta.layers, columns: atlas.meta.heads }, event);
  cells.addEventListener("pointermove", (event) => atlas.show(under(event)));
  cells.addEventListener("pointerleave", () => atlas.show(null));
  scanByFinger(cells);
  cells.addEventListener("click", (event) => (event.shiftKey && atlas.meta.tickable ? atlas.tick(under(event)) : atlas.pick(under(event))));
  cells.addEventListener("blur", () => cells.matches(":hover") || atlas.show(null));
  cells.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = movedPatch(event.key, atlas.cell, { rows: atlas.meta.layers, columns: atlas.meta.heads });
    if (moved !== null) atlas.show(moved);
    else if (event.key === "Enter" || event.key === " ") atlas.pick(atlas.cell);
    else if (event.key === "x") atlas.tick(atlas.cell);
    else if (event.key === "Escape") atlas.show(null);
    else return;
    event.preventDefault();
  });
}

/** Everything around the cells: title, axes, layer means, colour bar, help. */
function writeFrame(atlas) {
  const { meta, find, app } = atlas;
  const { labels } = meta;
  app.style.setProperty("--layers", meta.layers);
  app.style.setProperty("--heads", meta.heads);
  find(".name").textContent = meta.label;
  find(".unit").textContent = meta.unit;
  find(".mean-title").textContent = labels.layer_mean;
  find(".hint").textContent = meta.standalone ? "" : hintOf(labels);
  find(".keys").textContent = labels.keys;
  find(".low").textContent = barText(meta, meta.minimum);
  find(".high").textContent = barText(meta, meta.maximum);
  find(".cells").setAttribute("aria-label", `${meta.label}: ${labels.atlas}`);
  find(".cells").setAttribute("aria-describedby", "vitviz-atlas-keys");
  const count = (length, text) => Array.from({ length }, (_, at) => element("span", "", text(at)));
  find(".layers").replaceChildren(...count(meta.layers, (layer) => fill(labels.layer_axis, { layer })));
  find(".columns").replaceChildren(...count(meta.heads, (head) => fill(labels.head_axis, { head })));
  find(".means").replaceChildren(...layerMeans(atlas).map((mean) => meanBar(atlas, mean)));
  const bar = find(".bar").getContext("2d");
  const image = bar.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(atlas.table);
  bar.putImageData(image, 0, 0);
}

/** Mean of every layer's numbers, cells without a value left out; NaN for a layer without any. */
function layerMeans({ meta, values }) {
  return Array.from({ length: meta.layers }, (_, layer) => {
    const row = values.subarray(layer * meta.heads, (layer + 1) * meta.heads).filter((value) => !Number.isNaN(value));
    return row.reduce((sum, value) => sum + value, 0) / row.length;
  });
}

/** A value where the unit stands in the title: shares have their sign all the same. */
function barText({ unit }, value) {
  return Number.isNaN(value) ? "–" : amount(value, unit === "%" ? unit : "", number);
}

function meanBar({ meta }, mean) {
  const row = element("div", "mean");
  const bar = element("i");
  bar.style.width = `${Math.max(0, 100 * shareOf(meta, mean)) || 0}%`;
  row.append(bar, element("span", "", barText(meta, mean)));
  return row;
}

/** Where a value lies between the first colour (0) and the last (1). */
function shareOf({ minimum, maximum }, value) {
  if (maximum === minimum) return 0.5;
  return Math.min(1, Math.max(0, (value - minimum) / (maximum - minimum)));
}

/** A value with three figures: 12.3, 1.23, 0.123. */
function number(value) {
  if (value === null || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001 || size >= 1e5) return value.toExponential(1).replace("-", "−");
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size)))).replace("-", "−");
}

function paintCells(atlas) {
  const { meta, values, canvas, table } = atlas;
  const context = canvas.getContext("2d");
  const shape = { rows: meta.layers, columns: meta.heads };
  const ratio = window.devicePixelRatio || 1;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let cell = 0; cell < values.length; cell++) {
    const box = innerBox(patchBox(canvas, shape, cell), ratio);
    if (Number.isNaN(values[cell])) hatch(context, box, ratio);
    else fillCell(context, box, table[Math.round(255 * shareOf(meta, values[cell]))]);
    if (atlas.ticked.has(cell)) cross(context, box, ratio);
  }
  if (atlas.selected !== null) outline(context, innerBox(patchBox(canvas, shape, atlas.selected), 4 * ratio), ORANGE, 3 * ratio);
  if (atlas.hover !== null) markPointer(context, innerBox(patchBox(canvas, shape, atlas.hover), 3 * ratio), ratio);
}

function innerBox([x, y, width, height], inset) {
  return [x + inset, y + inset, Math.max(1, width - 2 * inset), Math.max(1, height - 2 * inset)];
}

function fillCell(context, box, pixel) {
  context.fillStyle = `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
  context.fillRect(...box);
}

/** A cell without a value: grey stripes, which no palette has. */
function hatch(context, [x, y, width, height], ratio) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = "rgb(140, 140, 140)";
  context.lineWidth = ratio;
  for (let at = -height; at < width; at += 5 * ratio) {
    context.beginPath();
    context.moveTo(x + at, y + height);
    context.lineTo(x + at + height, y);
    context.stroke();
  }
  context.strokeRect(x, y, width, height);
  context.restore();
}

/** A ticked head: a white cross with a dark edge, seen on every colour. */
function cross(context, [x, y, width, height], ratio) {
  const arm = 0.28 * Math.min(width, height);
  const [middle, centre] = [x + width / 2, y + height / 2];
  context.lineCap = "round";
  for (const [colour, thickness] of [["rgba(0, 0, 0, 0.75)", 4.5 * ratio], ["#fff", 2 * ratio]]) {
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.beginPath();
    context.moveTo(middle - arm, centre - arm);
    context.lineTo(middle + arm, centre + arm);
    context.moveTo(middle + arm, centre - arm);
    context.lineTo(middle - arm, centre + arm);
    context.stroke();
  }
}

function writeReadout(atlas) {
  const { meta, values, cell, find } = atlas;
  const { labels } = meta;
  const known = cell !== null && !Number.isNaN(values[cell]);
  find(".which").textContent = cell === null ? "" : atlas.nameOf(cell);
  find(".number").textContent = cell === null ? "" : known ? amount(values[cell], meta.unit, number) : labels.missing;
  const count = values.filter((value) => !Number.isNaN(value)).length;
  find(".rank").textContent = known ? fill(labels.rank, { rank: atlas.ranks[cell], count }) : cell === null ? hintOf(labels, "empty") : "";
  const [layer, head] = cell === null ? [-1, -1] : atlas.place(cell);
  [...find(".layers").children].forEach((node, at) => node.classList.toggle("current", at === layer));
  [...find(".columns").children].forEach((node, at) => node.classList.toggle("current", at === head));
  clearTimeout(atlas.speaking);
  atlas.speaking = setTimeout(() => {
    const ticked = atlas.ticked.has(cell) ? `, ${labels.ticked}` : "";
    find(".live").textContent = cell === null ? "" : `${find(".readout").innerText.replace(/\s+/g, " ")}${ticked}`;
  }, 250);
}

const atlases = new WeakMap(); // root of an instance → its atlas

function mount({ data, parentElement, say }) {
  let atlas = atlases.get(parentElement);
  if (!atlas) {
    atlas = new HeadAtlas(parentElement);
    atlases.set(parentElement, atlas);
  }
  atlas.send = say;
  atlas.receive(data);
  return () => atlas.dispose();
}

// The head wall: the map of every head for one query. Pointing, arrow keys or a tap show one large; nothing is asked of
// the server while pointing.

const MOST_PINNED = 4;
const REST = 200; // milliseconds without a further change, after which the page hears of it
const NARROW = 620; // pixels: below, layers run downwards; as in the style sheet

class HeadWall {
  constructor(root) {
    this.app = root.querySelector(".wall");
    this.find = (selector) => this.app.querySelector(selector);
    this.hover = null; // the head under the pointer or the keyboard cursor, or null
    this.patch = null; // the patch under the pointer on the large map, or null
    this.tiles = [];
    this.sending = {}; // name of what is sent → its timer
    this.observer = new ResizeObserver(() => this.layout());
    bindWall(this);
    bindPicture(this);
    bindButtons(this);
  }

  receive(bytes) {
    const { meta, part } = unpack(bytes);
    const before = this.meta ?? {};
    this.meta = meta;
    this.levels = part(`levels ${meta.scale}`, Uint8Array);
    this.allLevels = (scale) => part(`levels ${scale}`, Uint8Array);
    this.frames = part("frames", Uint8Array);
    this.missing = part("missing", Uint8Array);
    this.statistic = part("statistic", Float32Array);
    this.largest = part("largest", Float32Array);
    this.strongest = part("strongest", Uint32Array);
    this.table = colourTable(part("palette", Uint8Array));
    this.frameTable = colourTable(part("frame palette", Uint8Array));
    this.scale = meta.scale;
    this.pinned = [...meta.pinned];
    this.off = new Set(meta.off);
    this.painter = new MapPainter(meta.rows, meta.columns);
    if (meta.layers !== before.layers || meta.heads !== before.heads) {
      this.hover = null;
      this.selected = meta.selected;
      this.built = null;
    }
    if (meta.selected !== before.selected) this.selected = meta.selected;
    this.patch = null;
    writeWall(this);
    if (meta.photoName !== before.photoName) takePhoto(this, part("photo", Uint8Array), () => this.layout());
    this.observer.observe(this.app);
    this.layout();
    if (this.image) this.app.dataset.ready = meta.content;
  }

  /** The head that is shown large. */
  get cell() {
    return this.hover ?? this.selected;
  }

  /** [layer, head] of a cell. */
  place(cell) {
    return [Math.floor(cell / this.meta.heads), cell % this.meta.heads];
  }

  nameOf(cell) {
    const [layer, head] = this.place(cell);
    return fill(this.meta.labels.head_name, { layer, head });
  }

  get queryPatch() {
    const { query, prefix } = this.meta;
    return prefix.includes(query) ? null : Number(query);
  }

  show(cell) {
    if (cell === this.hover) return;
    this.hover = cell;
    this.repaint();
  }

  /** Show the head large from now on, and put it beside the others or take it from there. */
  pin(cell) {
    this.selected = cell;
    const there = this.pinned.includes(cell);
    this.pinned = there ? this.pinned.filter((other) => other !== cell) : [...this.pinned, cell].slice(-MOST_PINNED);
    this.repaint();
    this.sendCells("pin", this.pinned);
  }

  sendCell(name, cell) {
    const [layer, head] = this.place(cell);
    this.send(name, { layer, head });
  }

  /** Send all of them when the hand rests, and not what changed: of changes in a row the page may hear the last alone. */
  sendCells(name, cells) {
    clearTimeout(this.sending[name]);
    const heads = [...cells].map((cell) => this.place(cell));
    this.sending[name] = setTimeout(() => this.send(name, { heads }), REST);
  }

  turn(cell) {
    if (this.meta.standalone) return;
    this.selected = cell;
    if (!this.off.delete(cell)) this.off.add(cell);
    this.repaint();
    this.sendCells("off", this.off);
  }

  setScale(scale) {
    this.scale = scale;
    this.levels = this.allLevels(scale);
    checkRadio(this.find(".scales"), scale);
    writeLegend(this);
    this.repaint();
    this.send("scale", scale);
  }

  /** Lay the tiles out as large as width and height allow. */
  layout() {
    if (!this.meta) return;
    const narrow = this.app.clientWidth < NARROW;
    const { layers, heads, width, height } = this.meta;
    buildTiles(this, narrow);
    const [across, down] = narrow ? [heads, layers] : [layers, heads];
    const axis = narrow ? 40 : 46;
    const wide = (this.find(".field").clientWidth - axis - 4 * across) / across;
    const room = narrow ? Infinity : Math.max(300, window.innerHeight * 0.62);
    const tile = Math.max(20, Math.min(wide, ((room - 24 - 4 * down) / down) * (width / height)));
    const grid = this.find(".grid");
    grid.style.gridTemplateColumns = `${axis}px repeat(${across}, ${tile}px)`;
    grid.style.gridTemplateRows = `24px repeat(${down}, ${(tile * height) / width}px)`;
    this.find(".picture").style.aspectRatio = `${width} / ${height}`;
    this.narrow = narrow;
    this.repaint();
  }

  repaint() {
    if (!this.meta || !this.built) return;
    for (const [cell, tile] of this.tiles.entries()) if (tile) paintHead(this, tile, cell);
    paintLarge(this);
    paintPins(this);
    writeHead(this);
    const names = (cells) => cells.map((cell) => this.nameOf(cell)).join(" ");
    this.app.dataset.shown = this.nameOf(this.cell);
    this.app.dataset.pinned = names(this.pinned);
    this.app.dataset.off = names([...this.off].sort((a, b) => a - b));
  }

  dispose() {
    this.observer.disconnect();
    clearTimeout(this.speaking);
  }
}

/** Draw the map of a head on a canvas over the photo. */
function paintMap(wall, canvas, cell, alone) {
  if (!canvas.clientWidth) return;
  fitCanvas(canvas);
  const { meta } = wall;
  const context = canvas.getContext("2d");
  const size = meta.rows * meta.columns;
  const cells = wall.painter.paint(wall.levels, cell * size, wall.table, 255);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const photographed = meta.darkens || alone;
  if (photographed) drawPhoto(context, photoFor(wall, canvas), meta.opacity, meta.darkens);
  drawCells(context, cells, photographed ? meta.opacity : 1, meta.darkens, false);
}

/** Repaint a tile if anything that it shows has changed. */
function paintHead(wall, tile, cell) {
  tile.node.classList.toggle("selected", cell === wall.selected);
  tile.node.classList.toggle("hovered", cell === wall.hover);
  tile.node.classList.toggle("pinned", wall.pinned.includes(cell));
  tile.node.classList.toggle("off", wall.off.has(cell));
  const state = [wall.meta.content, wall.meta.opacity, wall.meta.darkens, wall.scale, Boolean(wall.image), tile.canvas.clientWidth].join();
  if (tile.state === state) return;
  tile.state = state;
  const pixel = wall.frameTable[wall.frames[cell]];
  const colour = `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
  tile.node.style.setProperty("--frame", Number.isNaN(wall.statistic[cell]) ? "#8c8c8c" : colour);
  paintMap(wall, tile.canvas, cell, false);
}

function paintLarge(wall) {
  const canvas = wall.find(".side .picture canvas");
  paintMap(wall, canvas, wall.cell, true);
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  if (wall.queryPatch !== null) outline(context, patchBox(canvas, wall.meta, wall.queryPatch), ORANGE, 3 * ratio);
  if (wall.patch !== null) markPointer(context, patchBox(canvas, wall.meta, wall.patch), ratio);
}

/** The pinned heads side by side, each with a button that takes it away. */
function paintPins(wall) {
  const list = wall.find(".pins");
  const { labels, width, height } = wall.meta;
  const wanted = wall.pinned.join();
  if (list.dataset.cells !== wanted) {
    list.dataset.cells = wanted;
    list.replaceChildren(
      ...wall.pinned.map((cell) => {
        const card = element("div", "card");
        card.setAttribute("role", "listitem");
        const picture = element("div", "picture");
        picture.style.aspectRatio = `${width} / ${height}`;
        picture.append(document.createElement("canvas"));
        const line = element("p");
        const away = element("button", "press away", labels.unpin);
        away.type = "button";
        away.setAttribute("aria-label", fill(labels.unpin_head, { name: wall.nameOf(cell) }));
        away.addEventListener("click", () => wall.pin(cell));
        line.append(element("span"), away);
        card.append(picture, line);
        card.dataset.cell = cell;
        return card;
      }),
    );
  }
  for (const card of list.children) {
    const cell = Number(card.dataset.cell);
    card.querySelector("span").textContent = `${wall.nameOf(cell)} · ${statisticOf(wall, cell)}`;
    paintMap(wall, card.querySelector("canvas"), cell, true);
  }
}

/** A number with three figures and its unit. */
function statisticOf({ statistic, meta }, cell) {
  const value = statistic[cell];
  if (Number.isNaN(value)) return meta.labels.missing;
  return amount(value, meta.unit, numberText);
}

function numberText(value) {
  if (value === 0) return "0";
  return value.toFixed(Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(value))))));
}

function buildTiles(wall, narrow) {
  const shape = `${wall.meta.layers} ${wall.meta.heads} ${narrow} ${[...wall.missing].join("")} ${wall.meta.labels.layer_axis}`;
  if (wall.built === shape) return;
  wall.built = shape;
  const { layers, heads, labels } = wall.meta;
  const grid = wall.find(".grid");
  const at = (node, layer, head) => {
    node.style.gridColumn = (narrow ? head : layer) + 2;
    node.style.gridRow = (narrow ? layer : head) + 2;
    return node;
  };
  const axis = (name, text, layer, head) => {
    const node = at(element("span", "axis", text), layer, head);
    node.dataset[name] = name === "layer" ? layer : head;
    node.setAttribute("aria-hidden", "true");
    return node;
  };
  const axes = [
    ...Array.from({ length: layers }, (_, layer) => axis("layer", fill(labels.layer_axis, { layer }), layer, -1)),
    ...Array.from({ length: heads }, (_, head) => axis("head", fill(labels.head_axis, { head }), -1, head)),
  ];
  wall.tiles = Array.from({ length: layers * heads }, (_, cell) => {
    if (wall.missing[cell]) return null;
    const node = at(element("div", "tile"), ...wall.place(cell));
    const canvas = document.createElement("canvas");
    node.dataset.cell = cell;
    node.append(canvas);
    return { node, canvas, state: "" };
  });
  grid.replaceChildren(...axes, ...wall.tiles.filter(Boolean).map((tile) => tile.node));
}

const walls = new WeakMap(); // root of an instance → its wall

function mount({ data, parentElement, say }) {
  let wall = walls.get(parentElement);
  if (!wall) {
    wall = new HeadWall(parentElement);
    walls.set(parentElement, wall);
  }
  wall.send = say;
  wall.receive(data);
  return () => wall.dispose();
}

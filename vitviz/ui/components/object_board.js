// The board of the Long range page: a picture whose halves or bars can be dragged from cell to cell, with the attention of
// the chosen one drawn as links. Names of cells and all words come with the data.

class ObjectBoard {
  constructor(root) {
    this.app = root.querySelector(".viewer");
    this.board = root.querySelector(".board");
    this.canvas = root.querySelector("canvas");
    this.picture = document.createElement("canvas");
    this.carried = null; // { start, cell, x, y } while something is dragged
    this.placed = null; // { start, cell } where something was dropped on a page that nobody answers
    this.observer = new ResizeObserver(() => this.repaint());
    bindPointer(this);
    bindKeys(this);
  }

  receive(bytes) {
    const { meta, part } = unpack(bytes);
    this.meta = meta;
    this.weights = meta.attention ? part("attention", Float32Array) : null;
    this.cursor = meta.chosen;
    this.carried = null;
    this.placed = null;
    readPicture(this, part("picture", Uint8Array));
    this.board.style.setProperty("--ratio", String(meta.columns / meta.rows));
    this.board.setAttribute("aria-label", meta.labels.board);
    this.app.querySelector(".hint").textContent = hintOf(meta.labels);
    this.app.querySelector(".live").textContent = meta.labels.summary;
    buildVerdicts(this);
    this.observer.observe(this.board);
    this.repaint();
    this.board.dataset.ready = meta.content;
    this.board.dataset.chosen = String(meta.chosen);
  }

  /** Whether something lies in a cell that can be chosen and moved. */
  holds(cell) {
    return this.meta.names[cell] !== "";
  }

  choose(cell) {
    this.cursor = cell;
    if (this.holds(cell) && cell !== this.meta.chosen) this.send("chosen", { cell });
    this.repaint();
  }

  /** The cells that what lies in a cell can be moved into. */
  freeFor(start) {
    const ends = this.meta.verdicts[start];
    return ends ? Object.keys(ends).map(Number) : this.meta.free;
  }

  move(start, end) {
    if (start === end || !this.freeFor(start).includes(end)) return this.repaint();
    if (this.meta.standalone) {
      this.placed = { start, cell: end };
      this.app.querySelector(".live").textContent = verdictWords(this);
    } else this.send("moved", { start, end });
    this.repaint();
  }

  repaint() {
    if (!this.meta) return;
    fitCanvas(this.canvas);
    paintBoard(this);
    showVerdicts(this);
  }

  dispose() {
    this.observer.disconnect();
  }
}

function readPicture(view, bytes) {
  const { width, height } = view.meta;
  view.picture.width = width;
  view.picture.height = height;
  const context = view.picture.getContext("2d");
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) image.data[4 * pixel + channel] = bytes[3 * pixel + channel];
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function bindPointer(view) {
  const { board } = view;
  board.addEventListener("pointerdown", (event) => {
    let cell = patchUnder(board, view.meta, event);
    if (view.placed && cell === view.placed.cell) cell = view.placed.start; // what was dropped here is taken up again
    else if (event.button === 0 && view.holds(cell)) view.placed = null;
    if (event.button !== 0 || !view.holds(cell)) return;
    board.setPointerCapture(event.pointerId);
    view.carried = { start: cell, cell: patchUnder(board, view.meta, event), ...placeOf(view, event) };
    board.classList.add("dragging");
    board.focus({ preventScroll: true });
    event.preventDefault();
    view.repaint();
  });
  board.addEventListener("pointermove", (event) => {
    if (!view.carried) return;
    view.carried = { start: view.carried.start, cell: patchUnder(board, view.meta, event), ...placeOf(view, event) };
    view.repaint();
  });
  const stay = (event) => view.carried && event.cancelable && event.preventDefault(); // the page, while a finger carries
  board.addEventListener("touchmove", stay, { passive: false });
  const drop = (event) => {
    if (!view.carried) return;
    const { start, cell } = view.carried;
    view.carried = null;
    board.classList.remove("dragging");
    if (event.type === "pointercancel") return view.repaint();
    if (start === cell && view.placed) view.placed = null;
    if (start === cell) view.choose(cell);
    else view.move(start, cell);
  };
  board.addEventListener("pointerup", drop);
  board.addEventListener("pointercancel", drop);
}

/** Where the pointer is, in pixels of the canvas. */
function placeOf(view, event) {
  const box = view.board.getBoundingClientRect();
  const scale = view.canvas.width / box.width;
  return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
}

/** Arrows move the cursor, Enter chooses what lies there; Shift and an arrow move the chosen thing by one free cell. */
function bindKeys(view) {
  view.board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = event.key.startsWith("Arrow");
    if (event.shiftKey && arrow) view.move(view.meta.chosen, nextFree(view, event.key));
    else if (event.key === "Enter" || event.key === " ") view.choose(view.cursor);
    else if (movedPatch(event.key, view.cursor, view.meta) !== null) {
      view.cursor = movedPatch(event.key, view.cursor, view.meta);
      const name = view.meta.names[view.cursor] || view.meta.labels.empty;
      view.app.querySelector(".live").textContent = `${name}, ${placeName(view, view.cursor)}`;
      view.repaint();
    } else return;
    event.preventDefault();
  });
}

function placeName(view, cell) {
  const { columns, labels } = view.meta;
  return fill(labels.place, { row: Math.floor(cell / columns) + 1, column: (cell % columns) + 1 });
}

/** The nearest free cell from the chosen one in the direction of an arrow, or the chosen cell itself. */
function nextFree(view, key) {
  let cell = view.meta.chosen;
  for (;;) {
    const next = movedPatch(key, cell, view.meta);
    if (next === cell) return view.meta.chosen;
    if (view.meta.free.includes(next)) return next;
    cell = next;
  }
}

function paintBoard(view) {
  const { canvas, meta, carried } = view;
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  context.imageSmoothingEnabled = false;
  context.drawImage(view.picture, 0, 0, canvas.width, canvas.height);
  paintGrid(view, context, ratio);
  const away = carried && carried.cell !== carried.start ? carried : carried ? null : view.placed;
  if (away) return paintCarried(view, context, ratio, away);
  if (meta.field && meta.chosen !== null) paintField(view, context, ratio, windowOf(meta, meta.chosen, meta.partner));
  if (view.weights) paintLinks(view, context, ratio);
  if (meta.chosen !== null) outline(context, patchBox(canvas, meta, meta.chosen), ORANGE, 3 * ratio);
  if (meta.partner !== null) outline(context, patchBox(canvas, meta, meta.partner), "#ffffff", 2 * ratio);
  if (view.board.matches(":focus-visible") && view.cursor !== meta.chosen && view.cursor !== null) {
    markPointer(context, patchBox(canvas, meta, view.cursor), ratio);
  }
}

function paintGrid({ canvas, meta }, context, ratio) {
  context.strokeStyle = "rgba(110, 110, 110, 0.25)";
  context.lineWidth = ratio;
  context.beginPath();
  for (let column = 1; column < meta.columns; column++) {
    const x = Math.round((column * canvas.width) / meta.columns) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, canvas.height);
  }
  for (let row = 1; row < meta.rows; row++) {
    const y = Math.round((row * canvas.height) / meta.rows) + 0.5;
    context.moveTo(0, y);
    context.lineTo(canvas.width, y);
  }
  context.stroke();
}

/** What is carried lies under the pointer; the cell it came from is faded, the one it would fall into is outlined. */
function paintCarried(view, context, ratio, away) {
  const { canvas, meta, picture } = view;
  const [left, top, width, height] = patchBox(canvas, meta, away.start);
  context.fillStyle = "rgba(245, 245, 245, 0.8)";
  context.fillRect(left, top, width, height);
  const free = view.freeFor(away.start).includes(away.cell);
  const partner = away.start === meta.chosen ? meta.partner : away.start === meta.partner ? meta.chosen : null;
  if (meta.field) paintField(view, context, ratio, windowOf(meta, away.cell, partner));
  outline(context, patchBox(canvas, meta, away.cell), free ? ORANGE : "#888888", 2 * ratio);
  if (partner !== null) outline(context, patchBox(canvas, meta, partner), "#ffffff", 2 * ratio);
  const [endLeft, endTop] = patchBox(canvas, meta, away.cell);
  const source = patchBox(picture, meta, away.start);
  const x = away.x === undefined ? endLeft : away.x - width / 2;
  const y = away.y === undefined ? endTop : away.y - height / 2;
  context.drawImage(picture, ...source, x, y, width, height);
}

/** The middle, in cells, of a window of the small field that holds two cells; the first cell if none holds both. */
function windowOf(meta, cell, partner) {
  const place = (at) => [Math.floor(at / meta.columns), at % meta.columns];
  const [row, column] = place(cell);
  if (partner === null) return { row, column, both: false };
  const [otherRow, otherColumn] = place(partner);
  const both = Math.max(Math.abs(row - otherRow), Math.abs(column - otherColumn)) <= 2 * meta.field;
  return both ? { row: (row + otherRow) / 2, column: (column + otherColumn) / 2, both } : { row, column, both };
}

/** A window of the CNN with the small field, dashed; tinted where it holds both that belong together. */
function paintField({ canvas, meta }, context, ratio, middle) {
  const [, , width, height] = patchBox(canvas, meta, 0);
  const [x, y] = [middle.column * width, middle.row * height];
  const reach = meta.field;
  const left = Math.max(0, x - reach * width) + 2 * ratio;
  const top = Math.max(0, y - reach * height) + 2 * ratio;
  const right = Math.min(canvas.width, x + (1 + reach) * width) - 2 * ratio;
  const bottom = Math.min(canvas.height, y + (1 + reach) * height) - 2 * ratio;
  context.save();
  context.setLineDash([7 * ratio, 5 * ratio]);
  context.strokeStyle = meta.field_colour;
  context.lineWidth = 2.5 * ratio;
  if (middle.both) {
    context.globalAlpha = 0.14;
    context.fillStyle = meta.field_colour;
    context.fillRect(left, top, right - left, bottom - top);
    context.globalAlpha = 1;
  }
  context.strokeRect(left, top, right - left, bottom - top);
  context.restore();
}

/** A link from the chosen cell to every cell that gets more than looking evenly would give, as wide as its weight. */
function paintLinks(view, context, ratio) {
  const { canvas, meta, weights } = view;
  const middle = (cell) => {
    const [x, y, width, height] = patchBox(canvas, meta, cell);
    return [x + width / 2, y + height / 2];
  };
  const [x, y] = middle(meta.chosen);
  context.lineCap = "round";
  const own = meta.from_class ? null : meta.chosen;
  const order = Array.from(weights.keys()).filter((cell) => cell !== own && weights[cell] > meta.uniform);
  order.sort((one, other) => weights[one] - weights[other]);
  if (meta.from_class) paintDots(view, context, ratio, middle);
  else for (const cell of order) {
    const [toX, toY] = middle(cell);
    for (const [colour, extra] of [["rgba(255, 255, 255, 0.75)", 3 * ratio], [meta.link_colour, 0]]) {
      context.globalAlpha = extra ? 1 : 0.35 + 0.65 * weights[cell];
      context.strokeStyle = colour;
      context.lineWidth = extra + ratio * (1 + 11 * weights[cell]);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(toX, toY);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  for (const cell of order.slice(-3)) writeShare(view, context, ratio, cell);
}

/** The class token lies in no cell: a ring in each cell, its area in proportion to the weight. */
function paintDots({ canvas, meta, weights }, context, ratio, middle) {
  const radius = 0.48 * Math.min(canvas.width / meta.columns, canvas.height / meta.rows);
  for (let cell = 0; cell < weights.length; cell++) {
    if (weights[cell] <= meta.uniform) continue;
    context.beginPath();
    context.arc(...middle(cell), radius * Math.sqrt(weights[cell]), 0, 2 * Math.PI);
    context.globalAlpha = 0.35;
    context.fillStyle = meta.link_colour;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = meta.link_colour;
    context.lineWidth = 2 * ratio;
    context.stroke();
  }
}

/** The share of attention that a cell gets, above its frame, or below where another thing or the edge is above. */
function writeShare(view, context, ratio, cell) {
  const { canvas, meta, weights } = view;
  const [x, y, width, height] = patchBox(canvas, meta, cell);
  const text = percent(weights[cell]);
  const type = typeOf(canvas);
  context.font = `600 ${type}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const [wide, high, gap] = [context.measureText(text).width + 8 * ratio, 1.3 * type, 4 * ratio];
  const rooms = [
    { free: cell >= meta.columns && !view.holds(cell - meta.columns), top: y - gap - high },
    { free: cell + meta.columns < meta.names.length && !view.holds(cell + meta.columns), top: y + height + gap },
  ];
  const fits = ({ top }) => top >= 0 && top + high <= canvas.height;
  const { top } = rooms.find((room) => room.free && fits(room)) || rooms.find(fits) || { top: y + gap };
  const middle = Math.min(canvas.width - wide / 2, Math.max(wide / 2, x + width / 2));
  context.fillStyle = "rgba(255, 255, 255, 0.9)";
  context.fillRect(middle - wide / 2, top, wide, high);
  context.fillStyle = meta.link_colour;
  context.fillText(text, middle, top + high / 2);
}

const boards = new WeakMap(); // root of an instance → its board

function mount({ data, parentElement, say }) {
  let view = boards.get(parentElement);
  if (!view) {
    view = new ObjectBoard(parentElement);
    boards.set(parentElement, view);
  }
  view.send = say;
  view.receive(data);
  return () => view.dispose();
}

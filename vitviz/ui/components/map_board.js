// The map board: maps side by side. What is pointed at in one is marked and read in all; a click chooses a place.

class MapBoard {
  constructor(root) {
    this.app = root.querySelector(".maps");
    this.find = (selector) => this.app.querySelector(selector);
    this.point = null; // [x, y] as shares of the picture, or null
    this.observer = new ResizeObserver(() => this.repaint());
  }

  async receive(bytes) {
    const { meta, part } = unpack(bytes);
    this.meta = meta;
    this.place = meta.place;
    this.panels = await Promise.all(meta.panels.map((panel, at) => takePanel(panel, at, part)));
    this.app.setAttribute("aria-label", meta.name);
    this.find(".hint").textContent = hintOf(meta.labels);
    this.find(".panels").classList.toggle("single", this.panels.length === 1);
    this.find(".panels").replaceChildren(...this.panels.map((panel) => buildPanel(this, panel)));
    this.observer.observe(this.app);
    this.repaint();
    this.app.dataset.ready = meta.content;
  }

  /** Point at a place of a panel, or at none. */
  show(panel, cell) {
    this.point = cell === null ? null : middleOf(panel, cell);
    this.repaint();
  }

  /** Choose the place of which maps of all places show theirs. */
  choose(panel, cell) {
    if (cell === null || !this.panels.some(({ places }) => places)) return;
    this.place = cellAt(this.meta.grid, middleOf(panel, cell));
    this.repaint();
  }

  repaint() {
    const told = this.panels.map((panel) => paintPanel(this, panel)).filter(Boolean);
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.find(".live").textContent = this.point === null ? "" : told.join(". ");
    }, 250);
  }
}

async function takePanel(panel, at, part) {
  const photo = panel.photo ? await createImageBitmap(new Blob([part(`photo ${at}`, Uint8Array)])) : null;
  if (!panel.rows) return { ...panel, image: photo };
  return {
    ...panel,
    image: photo,
    levels: part(`levels ${at}`, Uint8Array),
    values: part(`values ${at}`, Float32Array),
    table: colourTable(part(`colours ${at}`, Uint8Array)),
    bar: colourTable(part(`bar ${at}`, Uint8Array)),
    painter: new MapPainter(panel.rows, panel.columns),
  };
}

function middleOf({ rows, columns }, cell) {
  return [((cell % columns) + 0.5) / columns, (Math.floor(cell / columns) + 0.5) / rows];
}

function cellAt({ rows, columns }, [x, y]) {
  return Math.min(rows - 1, Math.floor(y * rows)) * columns + Math.min(columns - 1, Math.floor(x * columns));
}

function buildPanel(board, panel) {
  const { labels } = board.meta;
  const node = element("figure", "panel");
  const canvas = element("canvas", "map");
  Object.assign(panel, { canvas, value: element("p", "value") });
  node.append(element("p", "title", panel.title), canvas);
  if (!panel.rows) return node;
  const ramp = element("canvas", "ramp");
  Object.assign(ramp, { width: 256, height: 1 });
  const image = ramp.getContext("2d").createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(panel.bar);
  ramp.getContext("2d").putImageData(image, 0, 0);
  const ends = element("div", "ends");
  ends.append(...panel.ends.map((text) => element("span", "", text)));
  node.append(ramp, ends, panel.value);
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", panel.title);
  canvas.setAttribute("aria-description", labels.keys);
  canvas.addEventListener("pointermove", (event) => board.show(panel, patchUnder(canvas, panel, event)));
  canvas.addEventListener("pointerleave", () => board.show(panel, null));
  const choose = (event) => board.choose(panel, patchUnder(canvas, panel, event));
  canvas.addEventListener("click", choose);
  scanByFinger(canvas, choose);
  canvas.addEventListener("keydown", (event) => pressed(board, panel, event));
  return node;
}

function pressed(board, panel, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const now = board.point === null ? null : cellAt(panel, board.point);
  const moved = movedPatch(event.key, now, panel);
  if (moved !== null) board.show(panel, moved);
  else if (event.key === "Enter" || event.key === " ") board.choose(panel, now);
  else if (event.key === "Escape") board.show(panel, null);
  else return;
  event.preventDefault();
}

/** Paint a panel and write what it has at the point; return that in words. */
function paintPanel(board, panel) {
  const { canvas, image, rows, columns } = panel;
  canvas.style.aspectRatio = `${panel.width} / ${panel.height}`;
  fitCanvas(canvas);
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (image) drawPhoto(context, scaledPhoto(panel, image, canvas), panel.grey ? panel.opacity : 0, false);
  if (!rows) return "";
  const start = panel.places ? board.place * rows * columns : 0;
  const cells = panel.painter.paint(panel.levels, start, panel.table, 255);
  drawCells(context, cells, image ? panel.opacity : 1, panel.darkens, false);
  const ratio = window.devicePixelRatio || 1;
  if (panel.places) outline(context, patchBox(canvas, panel, board.place), ORANGE, 3 * ratio);
  panel.value.textContent = "";
  if (board.point === null) return "";
  const cell = cellAt(panel, board.point);
  markPointer(context, patchBox(canvas, panel, cell), ratio);
  const value = panel.values[start + cell];
  const text = panel.share ? percent(value) : String(Number(value.toPrecision(3))).replace("-", "−");
  const place = { row: Math.floor(cell / columns) + 1, column: (cell % columns) + 1 };
  panel.value.textContent = `${fill(board.meta.labels.place, place)}: ${text}`;
  return `${panel.title}, ${panel.value.textContent}`;
}

function mount({ data, parentElement }) {
  const board = new MapBoard(parentElement);
  board.receive(data);
  return () => board.observer.disconnect();
}

// The film: the same maps frame after frame. Play, pause and scrub in the browser; the server is asked nothing.

const STEP = 650; // milliseconds a frame
const WHOLE = 10000; // milliseconds that a film of many frames takes

class Film {
  constructor(root) {
    this.app = root.querySelector(".film");
    this.find = (selector) => this.app.querySelector(selector);
    this.observer = new ResizeObserver(() => this.repaint());
    this.above = new ResizeObserver(() => this.moved());
    this.player = new Player({
      app: this.app,
      step: () => this.show(this.at + 1),
      rewind: () => this.show(0),
      ended: () => this.at === this.last,
      changed: () => writeFrame(this),
      beat: () => Math.max(90, Math.min(STEP, WHOLE / this.meta.frames.length)),
    });
    bindFilm(this);
  }

  receive(bytes) {
    const { meta, part } = unpack(bytes);
    const before = this.meta ?? {};
    this.meta = meta;
    this.levels = meta.panels.map((_, at) => part(`levels ${at}`, Uint8Array));
    this.painters = meta.panels.map(({ rows, columns }) => new MapPainter(rows, columns));
    this.table = colourTable(part("palette", Uint8Array));
    if (meta.content !== before.content || meta.start !== before.start) {
      if (before.frames?.length !== meta.frames.length || meta.start !== before.start) this.at = meta.start;
    }
    this.at = Math.min(this.at ?? meta.start, meta.frames.length - 1);
    buildFilm(this);
    if (meta.photoName !== before.photoName) takePhoto(this, part("photo", Uint8Array), () => this.repaint());
    this.observer.observe(this.app);
    const page = pageOf(this.app)?.firstElementChild;
    if (page) this.above.observe(page);
    this.show(this.at);
    this.repaint(); // the tiles have their places before they are first seen
    if (this.image) this.app.dataset.ready = meta.content;
  }

  get last() {
    return this.meta.frames.length - 1;
  }

  show(frame) {
    this.at = Math.max(0, Math.min(this.last, frame));
    writeFrame(this);
    this.repaint(false);
  }

  /** What is drawn later above the film pushes it down: the tiles are laid out for the room that is left. */
  moved() {
    if (this.meta?.tiles && Math.abs(fromTop(this.app, this.find(".stage")) - this.top) > 1) this.repaint();
  }

  repaint(all = true) {
    if (!this.meta) return;
    if (all && this.meta.tiles) layoutFrames(this);
    const canvases = this.app.querySelectorAll(".panel canvas");
    canvases.forEach((canvas, panel) => {
      paintFrame(this, canvas, panel, this.at);
      paintFilmMarks(this, canvas, panel);
    });
    if (all) this.app.querySelectorAll(".tile canvas").forEach((canvas, at) => paintFrame(this, canvas, 0, at + this.meta.untiled));
  }

  dispose() {
    this.player.drop();
    clearTimeout(this.speaking);
    this.observer.disconnect();
    this.above.disconnect();
  }
}

function paintFrame(film, canvas, panel, frame) {
  const { meta } = film;
  if (!canvas.clientWidth) return;
  fitCanvas(canvas);
  const { rows, columns, missing } = meta.panels[panel];
  const context = canvas.getContext("2d");
  canvas.classList.toggle("missing", missing.includes(frame));
  if (missing.includes(frame)) return context.clearRect(0, 0, canvas.width, canvas.height);
  const cells = film.painters[panel].paint(film.levels[panel], frame * rows * columns, film.table, 255);
  context.clearRect(0, 0, canvas.width, canvas.height);
  drawPhoto(context, photoFor(film, canvas), meta.opacity, meta.darkens);
  drawCells(context, cells, meta.opacity, meta.darkens, false);
}

/** Lines between the patches, the dashed box of the frame and the orange mark. */
function paintFilmMarks(film, canvas, panel) {
  const { meta } = film;
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  if (meta.ruled) {
    context.strokeStyle = "rgba(255, 255, 255, 0.35)";
    context.lineWidth = ratio;
    context.beginPath();
    for (let row = 1; row < meta.ruled[0]; row++) {
      context.moveTo(0, (row * canvas.height) / meta.ruled[0]);
      context.lineTo(canvas.width, (row * canvas.height) / meta.ruled[0]);
    }
    for (let column = 1; column < meta.ruled[1]; column++) {
      context.moveTo((column * canvas.width) / meta.ruled[1], 0);
      context.lineTo((column * canvas.width) / meta.ruled[1], canvas.height);
    }
    context.stroke();
  }
  const box = meta.panels[panel].boxes[film.at];
  if (box) {
    context.save();
    context.setLineDash([8 * ratio, 5 * ratio]);
    outline(context, boxPixels(canvas, box), "#ff5a36", 2 * ratio);
    context.restore();
  }
  if (meta.mark) outline(context, boxPixels(canvas, meta.mark), ORANGE, 3 * ratio);
}

function boxPixels({ width, height }, [left, top, right, bottom]) {
  const inside = (share) => Math.max(0, Math.min(1, share));
  const [x, y] = [inside(left) * width, inside(top) * height];
  return [x, y, inside(right) * width - x, inside(bottom) * height - y];
}

function buildFilm(film) {
  const { meta, find, app } = film;
  const shape = JSON.stringify([meta.panels.map(({ title }) => title), meta.frames, meta.tiles, meta.untiled]);
  find(".low").textContent = meta.ends[0];
  find(".high").textContent = meta.ends[1];
  find(".choose").textContent = meta.choose;
  find(".choose").hidden = !meta.choose;
  find(".scrub").max = film.last;
  find(".scrub").setAttribute("aria-label", meta.labels.scrub);
  find(".tiles").setAttribute("aria-label", meta.labels.scrub);
  app.setAttribute("aria-label", meta.name);
  app.style.setProperty("--aspect", meta.width / meta.height);
  const ramp = find(".ramp").getContext("2d");
  const image = ramp.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(film.table);
  ramp.putImageData(image, 0, 0);
  find(".tiles").hidden = !meta.tiles;
  find(".stage").classList.toggle("beside", meta.tiles);
  if (film.shape === shape) return;
  film.shape = shape;
  find(".panels").style.setProperty("--panels", meta.panels.length);
  find(".panels").replaceChildren(
    ...meta.panels.map(({ title }) => {
      const panel = element("figure", "panel");
      panel.append(element("p", "title", title), document.createElement("canvas"), element("p", "caption"));
      return panel;
    }),
  );
  buildTiles(film);
}

const GAP = 10; // between tiles, and NAME the room of a tile's name, in pixels, as the style has them
const NAME = 28;

/** The largest tiles that are all seen on one screen; the panel takes what is left beside them. */
function layoutFrames(film) {
  const { meta, find, app } = film;
  const [stage, tiles] = [find(".stage"), find(".tiles")];
  const count = meta.frames.length - meta.untiled;
  const aspect = meta.width / meta.height;
  const rows = (columns) => Math.ceil(count / columns);
  const [screen, top] = [window.innerHeight, fromTop(app, stage)];
  film.top = top;
  const room = Math.max(320, top < screen / 2 ? screen - top - 12 : 0.62 * screen); // of the first screen, or a later one
  const fewest = Math.min(3, count);
  let best = { columns: fewest, width: 0 };
  for (let columns = fewest; columns <= count; columns++) {
    const across = (0.68 * stage.clientWidth - (columns - 1) * GAP) / columns;
    const down = (room / rows(columns) - GAP - NAME) * aspect;
    if (Math.min(across, down) > best.width) best = { columns, width: Math.min(across, down) };
  }
  tiles.style.setProperty("--columns", best.columns);
  stage.style.setProperty("--tiles", `${best.columns * (best.width + GAP) - GAP}px`);
  find(".panels").style.setProperty("--tall", `${(room - 2 * NAME) * aspect}px`);
}

/** How far an element lies below the top of the page, wherever the page is scrolled to. */
function fromTop(app, node) {
  return node.getBoundingClientRect().top + (pageOf(app)?.scrollTop ?? window.scrollY);
}

/** The part of the dashboard that scrolls; none in a page that works offline. */
function pageOf(app) {
  return app.getRootNode().host?.closest('[data-testid="stMain"]');
}

function buildTiles(film) {
  const { meta, find } = film;
  if (!meta.tiles) return find(".tiles").replaceChildren();
  return find(".tiles").replaceChildren(
    ...meta.frames.slice(meta.untiled).map((name, at) => {
      const tile = element("button", "tile");
      tile.type = "button";
      tile.setAttribute("role", "radio");
      tile.dataset.value = at + meta.untiled;
      tile.append(document.createElement("canvas"), element("span", "", name));
      return tile;
    }),
  );
}

/** What changes with the frame and is text. */
function writeFrame(film) {
  const { meta, find, at, app } = film;
  const { labels } = meta;
  find(".frame").textContent = meta.frames[at];
  find(".scrub").value = at;
  find(".scrub").setAttribute("aria-valuetext", meta.frames[at]);
  film.player.write(find(".play"), labels);
  app.querySelectorAll(".panel .caption").forEach((node, panel) => {
    node.textContent = meta.panels[panel].captions[at];
  });
  checkRadio(find(".tiles"), at);
  const first = find(".tile");
  if (first && at < meta.untiled) first.tabIndex = 0; // the keyboard comes in by the first tile
  app.dataset.frame = at;
  app.dataset.playing = film.player.playing;
  clearTimeout(film.speaking);
  if (film.player.playing) return;
  film.speaking = setTimeout(() => {
    const told = meta.panels.map(({ title, captions }) => `${title}: ${captions[at]}`).join(". ");
    find(".live").textContent = `${meta.frames[at]}. ${told}`;
  }, 300);
}

function bindFilm(film) {
  film.find(".play").addEventListener("click", () => film.player.press());
  film.find(".choose").addEventListener("click", () => film.send("chosen", { frame: film.at }));
  film.find(".scrub").addEventListener("input", (event) => {
    const frame = Number(event.target.value); // before stopping writes the frame that it stops at
    film.player.stop();
    film.show(frame);
  });
  radioKeys(film.find(".tiles"), (frame) => {
    film.player.stop();
    film.show(Number(frame));
  });
  film.app.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(".scrub, .tile")) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    film.player.stop();
    film.show(film.at + step);
    event.preventDefault();
  });
}

const films = new WeakMap(); // root of an instance → its film

function mount({ data, parentElement, say }) {
  let film = films.get(parentElement);
  if (!film) {
    film = new Film(parentElement);
    films.set(parentElement, film);
  }
  film.send = say;
  film.receive(data);
  const step = (by) => {
    film.player.stop();
    film.show(film.at + by);
  };
  pageKeys(film.app, playerKeys(film.app, { press: () => film.player.press(), step }));
  return () => film.dispose();
}

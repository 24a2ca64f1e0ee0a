// The token viewer: point at a patch of the first photo, and both photos show how alike every patch is to it.

const YELLOW = "#ffd500"; // the best match

class TokenViewer {
  constructor(root) {
    this.app = root.querySelector(".tokens");
    this.find = (selector) => this.app.querySelector(selector);
    this.views = [...this.app.querySelectorAll(".view")];
    this.captions = [...this.app.querySelectorAll("figcaption")];
    this.pictures = [];
    this.hover = null; // the patch of the first photo under the pointer or the cursor, or null
    this.pointed = null; // [pane, patch] whose cosine is told
    this.shared = new SharedState();
    this.observer = new ResizeObserver(() => this.repaint());
    this.app.likeness = (picture) => Array.from(this.pictures[picture].likeness);
    bindViews(this);
  }

  receive(bytes) {
    const { meta, part } = unpack(bytes);
    const [[now], before] = [meta.pictures, this.meta?.pictures[0]];
    const same = now.rows === before?.rows && now.columns === before?.columns;
    const whose = this.shared.receive(meta, same);
    if (whose === "wanted") Object.assign(this, { pinned: meta.chosen, scale: meta.scale });
    if (meta.content !== this.meta?.content) {
      this.pictures.forEach((picture) => picture.dispose());
      this.pictures = meta.pictures.map((picture, place) => new TokenPicture(picture, meta.channels, part, place));
      this.pictures.forEach((picture) => picture.photo.decode().then(() => this.repaint(), () => {}));
      this.hover = this.pointed = null;
    }
    this.meta = meta;
    this.tables = { range: colourTable(part("range", Uint8Array)), signed: colourTable(part("signed", Uint8Array)) };
    writeViews(this);
    this.observer.observe(this.app);
    this.repaint();
    this.app.dataset.ready = meta.content;
    if (whose === "newer") this.sendChoice();
  }

  get query() {
    return this.hover ?? this.pinned;
  }

  show(patch, pointed = null) {
    if (patch === this.hover && String(pointed) === String(this.pointed)) return;
    this.hover = patch;
    this.pointed = pointed;
    this.repaint();
  }

  pick(patch) {
    if (patch === null || patch === this.pinned) return;
    this.pinned = patch;
    this.repaint();
    this.sendChoice();
  }

  choose(scale) {
    this.scale = scale;
    this.repaint();
    this.sendChoice();
  }

  sendChoice() {
    this.shared.tell(this.say, { patch: this.pinned, scale: this.scale });
  }

  /** Compare, colour and draw everything. */
  repaint() {
    if (!this.meta) return;
    const { pictures, query } = this;
    const token = pictures[0].token(query);
    pictures.forEach((picture, place) => picture.compare(token, place ? null : query));
    const signed = this.scale === "signed";
    const values = pictures.filter((picture) => picture.best !== null);
    this.low = signed ? -1 : Math.min(...values.map((picture) => picture.low));
    this.high = signed ? 1 : Math.max(...values.map((picture) => picture.high));
    pictures.forEach((picture) => picture.paint(this.tables[this.scale], this.low, this.high));
    this.views.forEach((view, pane) => drawPane(this, view.firstElementChild, pane));
    writeWords(this);
    const data = { query, hover: this.hover ?? "", pinned: this.pinned, scale: this.scale };
    Object.assign(this.app.dataset, data, { bestHere: pictures[0].best ?? "", bestThere: pictures[1].best });
  }

  nameOf(place, patch) {
    const { columns } = this.pictures[place];
    return fill(this.meta.labels.place, { row: Math.floor(patch / columns) + 1, column: (patch % columns) + 1 });
  }

  dispose() {
    this.observer.disconnect();
    clearTimeout(this.speaking);
    this.pictures.forEach((picture) => picture.dispose());
  }
}

/** Panes 0 and 1 are the likeness over the photos, 2 and 3 their tokens as colours. */
function drawPane(viewer, canvas, pane) {
  const picture = viewer.pictures[pane % 2];
  fitCanvas(canvas);
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  if (pane < 2) {
    context.imageSmoothingEnabled = true;
    context.clearRect(0, 0, width, height);
    if (picture.photo.complete && picture.photo.naturalWidth) context.drawImage(picture.photo, 0, 0, width, height);
    context.globalAlpha = viewer.meta.opacity;
    if (viewer.meta.darkens && viewer.scale === "range") context.globalCompositeOperation = "multiply";
  }
  context.imageSmoothingEnabled = false;
  context.drawImage(pane < 2 ? picture.cells : picture.colours, 0, 0, width, height);
  context.globalAlpha = 1;
  context.globalCompositeOperation = "source-over";
  if (picture.best !== null) outline(context, patchBox(canvas, picture, picture.best), YELLOW, 2.5 * ratio);
  if (pane % 2 === 0) outline(context, patchBox(canvas, picture, viewer.query), ORANGE, 3 * ratio);
  const [at, patch] = viewer.pointed ?? [];
  if (at === pane) markPointer(context, patchBox(canvas, picture, patch), ratio);
}

function bindViews(viewer) {
  viewer.views.forEach((view, pane) => {
    const under = (event) => patchUnder(view, viewer.pictures[pane % 2], event);
    const chooses = pane % 2 === 0; // the first photo and its colours
    view.addEventListener("pointermove", (event) => {
      const patch = under(event);
      viewer.show(chooses ? patch : null, [pane, patch]);
    });
    view.addEventListener("pointerleave", () => viewer.show(null));
    const pick = (event) => viewer.pick(under(event));
    if (chooses) view.addEventListener("click", pick);
    scanByFinger(view, chooses ? pick : undefined);
  });
  bindKeys(viewer, viewer.views[0]);
  radioKeys(viewer.find(".scale"), (scale) => viewer.choose(scale));
}

function bindKeys(viewer, view) {
  view.addEventListener("blur", () => view.matches(":hover") || viewer.show(null));
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = movedPatch(event.key, viewer.query, viewer.pictures[0]);
    if (moved !== null) viewer.show(moved, [0, moved]);
    else if (event.key === "Enter" || event.key === " ") viewer.pick(viewer.hover);
    else if (event.key === "Escape") viewer.show(null);
    else return;
    event.preventDefault();
  });
}

/** What stands round the panes: captions, shapes, the choice of the colour scale. */
function writeViews(viewer) {
  const { labels, pictures, standalone } = viewer.meta;
  viewer.views.forEach((view, pane) => {
    const { title, aspect } = pictures[pane % 2];
    view.firstElementChild.style.aspectRatio = aspect;
    viewer.captions[pane].textContent = fill(pane < 2 ? labels.likeness : labels.colours, { title });
    const told = pane === 0 ? labels.photo : pane === 1 ? labels.other : labels.colours;
    view.setAttribute("aria-label", fill(told, { title }));
  });
  viewer.views[0].setAttribute("aria-description", labels.keys);
  segments(viewer.find(".scale"), labels.scale, [["range", labels.scale_range], ["signed", labels.scale_signed]]);
  viewer.find(".hint").textContent = standalone ? "" : hintOf(labels);
}

function writeWords(viewer) {
  const { labels, pictures: told } = viewer.meta;
  const [here, there] = viewer.pictures;
  checkRadio(viewer.find(".scale"), viewer.scale);
  const ramp = viewer.find(".ramp").getContext("2d");
  const image = ramp.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(viewer.tables[viewer.scale]);
  ramp.putImageData(image, 0, 0);
  viewer.find(".low").textContent = cosineText(viewer.low);
  viewer.find(".high").textContent = cosineText(viewer.high);
  const parts = [[labels.query, viewer.nameOf(0, viewer.query), null]];
  if (here.best !== null) parts.push([labels.best_here, viewer.nameOf(0, here.best), here.high]);
  parts.push([fill(labels.best_there, { title: told[1].title }), viewer.nameOf(1, there.best), there.high]);
  if (viewer.pointed && viewer.hover === null) {
    const [pane, patch] = viewer.pointed;
    parts.push([labels.pointer, viewer.nameOf(pane % 2, patch), viewer.pictures[pane % 2].likeness[patch]]);
  }
  const spans = parts.map(([name, place, cosine]) => {
    const span = element("span");
    const value = cosine === null ? "" : `, ${fill(labels.cosine, { value: cosineText(cosine) })}`;
    span.append(element("b", "", `${name}: `), `${place}${value}`);
    return span;
  });
  viewer.find(".readout").replaceChildren(...spans);
  clearTimeout(viewer.speaking);
  viewer.speaking = setTimeout(() => {
    viewer.find(".live").textContent = spans.map((span) => span.textContent).join(". ");
  }, 250);
}

function cosineText(value) {
  return value.toFixed(2).replace("-", "−");
}

const viewers = new WeakMap(); // root of an instance → its viewer

function mount({ data, parentElement, say }) {
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = new TokenViewer(parentElement);
    viewers.set(parentElement, viewer);
  }
  viewer.say = say;
  viewer.receive(data);
  return () => viewer.dispose();
}

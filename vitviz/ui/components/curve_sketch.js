// The plot into which a reader draws a guess: the pointer draws, or each place is set with the arrow keys. Nothing is
// sent before the button is pressed.

/** Round the plot, in pixels: room for words in the reader's size of type. */
function marginsOf(view) {
  const type = parseFloat(getComputedStyle(view.app).fontSize);
  return { type, left: 4.8 * type, right: 1.7 * type, top: type, bottom: 3.6 * type };
}

class CurveSketch {
  constructor(root) {
    this.app = root.querySelector(".viewer");
    this.find = (selector) => this.app.querySelector(selector);
    this.plot = this.find(".plot");
    this.canvas = this.find("canvas");
    this.heights = []; // share of the axis for each place, null while nothing is drawn there
    this.last = null; // the place and height where the pointer was, while it draws
    this.observer = new ResizeObserver(() => this.repaint());
    bindSketch(this);
  }

  receive(bytes) {
    const { meta } = unpack(bytes);
    this.meta = meta;
    if (this.content !== meta.content) {
      this.content = meta.content;
      this.heights = meta.places.map(() => null);
      placeSliders(this);
    }
    this.plot.setAttribute("aria-label", meta.labels.plot);
    this.find(".done").textContent = meta.labels.done;
    this.observer.observe(this.plot);
    this.repaint();
    this.app.dataset.ready = meta.content;
  }

  /** A share of the axis in words. */
  words(height) {
    const { low, high, log, percent: share } = this.meta;
    const value = log ? low * (high / low) ** height : low + (high - low) * height;
    return share ? `${Math.round(100 * value)}%` : String(Number(value.toPrecision(3)));
  }

  set(place, height) {
    this.heights[place] = Math.min(1, Math.max(0, height));
    const slider = this.find(".handles").children[place];
    slider.value = String(Math.round(100 * this.heights[place]));
    slider.setAttribute("aria-valuetext", this.words(this.heights[place]));
    this.about = place;
    this.repaint();
  }

  repaint() {
    if (!this.meta) return;
    fitCanvas(this.canvas);
    paintSketch(this);
    const missing = this.heights.filter((height) => height === null).length;
    const { labels, places } = this.meta;
    this.find(".done").disabled = missing > 0;
    const here = this.about ?? null;
    const point = here === null || this.heights[here] === null ? "" : `${places[here]}: ${this.words(this.heights[here])}`;
    this.find(".read").textContent = [point, missing ? fill(labels.missing, { count: missing }) : labels.complete]
      .filter(Boolean)
      .join(" · ");
    if (!missing && !this.told) this.find(".live").textContent = labels.complete;
    this.told = !missing;
  }

  dispose() {
    this.observer.disconnect();
  }
}

/** One slider a place, laid over the plot where the place is. */
function placeSliders(view) {
  const handles = view.find(".handles");
  handles.replaceChildren(
    ...view.meta.places.map((place, index) => {
      const slider = element("input");
      slider.type = "range";
      slider.min = "0";
      slider.max = "100";
      slider.step = "2";
      slider.value = "50";
      slider.setAttribute("aria-label", `${view.meta.x_title}: ${place}`);
      slider.setAttribute("aria-valuetext", view.meta.labels.nothing);
      slider.addEventListener("input", () => view.set(index, Number(slider.value) / 100));
      slider.addEventListener("focus", () => ((view.about = index), view.repaint()));
      slider.addEventListener("blur", () => ((view.about = null), view.repaint()));
      return slider;
    }),
  );
}

function bindSketch(view) {
  const { plot } = view;
  const at = (event) => {
    const box = plot.getBoundingClientRect();
    const { left, right, top, bottom } = marginsOf(view);
    const across = (event.clientX - box.left - left) / Math.max(1, box.width - left - right);
    const up = 1 - (event.clientY - box.top - top) / Math.max(1, box.height - top - bottom);
    return { across: Math.min(1, Math.max(0, across)), up };
  };
  const draw = (event) => {
    const now = at(event);
    const from = view.last ?? now;
    view.meta.shares.forEach((share, place) => {
      const [low, high] = [Math.min(from.across, now.across), Math.max(from.across, now.across)];
      if (share < low || share > high) return;
      const part = high === low ? 1 : (share - from.across) / (now.across - from.across);
      view.set(place, from.up + part * (now.up - from.up));
    });
    const nearest = nearestPlace(view.meta.shares, now.across);
    if (Math.abs(view.meta.shares[nearest] - now.across) < 0.5 / view.meta.shares.length) view.set(nearest, now.up);
    view.last = now;
  };
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    plot.setPointerCapture(event.pointerId);
    view.last = null;
    view.drawing = true;
    view.before = [...view.heights];
    draw(event);
    event.preventDefault();
  });
  plot.addEventListener("pointermove", (event) => view.drawing && draw(event));
  scanByFinger(plot);
  plot.addEventListener("pointerup", () => (view.drawing = false));
  plot.addEventListener("pointercancel", () => {
    if (view.drawing) view.heights = view.before; // the finger was about to scroll
    view.drawing = false;
    view.repaint();
  });
  view.find(".done").addEventListener("click", () => view.send("drawn", { heights: view.heights }));
}

function nearestPlace(shares, across) {
  let nearest = 0;
  shares.forEach((share, place) => {
    if (Math.abs(share - across) < Math.abs(shares[nearest] - across)) nearest = place;
  });
  return nearest;
}

function paintSketch(view) {
  const { canvas, meta } = view;
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  const style = getComputedStyle(view.app);
  const ink = style.color;
  const { type, left, right, top, bottom } = marginsOf(view);
  const width = canvas.width / ratio - left - right;
  const height = canvas.height / ratio - top - bottom;
  const x = (share) => left + share * width;
  const y = (share) => top + (1 - share) * height;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = `${type}px ${style.fontFamily}`;
  context.fillStyle = ink;
  context.strokeStyle = ink;
  paintAxes(context, meta, { x, y, type, left, top, width, height });
  const drawn = view.heights.map((share, place) => [x(meta.shares[place]), y(share ?? 0), share]);
  context.strokeStyle = ORANGE;
  context.lineWidth = 3;
  context.beginPath();
  let open = false;
  for (const [px, py, share] of drawn) {
    if (share === null) open = false;
    else if (open) context.lineTo(px, py);
    else {
      context.moveTo(px, py);
      open = true;
    }
  }
  context.stroke();
  drawn.forEach(([px, py, share], place) => paintPlace(context, px, share === null ? y(0.5) : py, share, place === view.about, ink));
  [...view.find(".handles").children].forEach((slider, place) => {
    slider.style.left = `${x(meta.shares[place]) - 9}px`;
    slider.style.top = `${top}px`;
    slider.style.height = `${height}px`;
  });
}

/** The point of a place: filled once it is drawn, an empty ring before. */
function paintPlace(context, x, y, share, current, ink) {
  context.beginPath();
  context.arc(x, y, current ? 8 : 5, 0, 2 * Math.PI);
  context.lineWidth = current ? 3 : 1.5;
  context.strokeStyle = current ? ink : share === null ? ink : ORANGE;
  context.globalAlpha = share === null && !current ? 0.45 : 1;
  if (share !== null) {
    context.fillStyle = ORANGE;
    context.fill();
  }
  context.stroke();
  context.globalAlpha = 1;
}

function paintAxes(context, meta, { x, y, type, left, top, width, height }) {
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const [share, text] of meta.ticks) {
    context.globalAlpha = 0.18;
    context.beginPath();
    context.moveTo(left, y(share));
    context.lineTo(left + width, y(share));
    context.stroke();
    context.globalAlpha = 0.85;
    context.fillText(text, left - 8, y(share));
  }
  context.textBaseline = "top";
  context.textAlign = "center";
  meta.places.forEach((place, index) => context.fillText(place, x(meta.shares[index]), top + height + 0.6 * type));
  context.fillText(meta.x_title, left + width / 2, top + height + 2 * type);
  context.save();
  context.translate(0.9 * type, top + height / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(meta.y_title, 0, 0);
  context.restore();
  context.globalAlpha = 1;
}

const sketches = new WeakMap(); // root of an instance → its sketch

function mount({ data, parentElement, say }) {
  let view = sketches.get(parentElement);
  if (!view) {
    view = new CurveSketch(parentElement);
    sketches.set(parentElement, view);
  }
  view.send = say;
  view.receive(data);
  return () => view.dispose();
}

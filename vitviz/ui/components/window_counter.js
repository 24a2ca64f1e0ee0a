// Local windows go over a board one by one, and a counter runs: all numbers come with the data, playing stays in the
// browser. Windows already looked at keep their outline; each writes what it added.

const WINDOW_BEAT = 700; // milliseconds a window while it plays

class WindowCounter {
  constructor(root) {
    this.app = root.querySelector(".windows");
    this.find = (selector) => this.app.querySelector(selector);
    this.canvas = this.find("canvas");
    this.picture = document.createElement("canvas");
    this.player = new Player({
      app: this.app,
      step: () => this.step(1),
      rewind: () => this.show(0),
      ended: () => this.ended,
      changed: () => this.draw(),
      beat: () => WINDOW_BEAT,
    });
    this.observer = new ResizeObserver(() => this.draw());
    this.find(".play").addEventListener("click", () => this.player.press());
    for (const [name, by] of [[".back", -1], [".on", 1]]) {
      this.find(name).addEventListener("click", () => this.pass(by));
    }
  }

  receive(bytes) {
    const { meta, part } = unpack(bytes);
    if (meta.content !== this.meta?.content) this.at = meta.windows.length - 1; // the whole count, until it is played
    this.meta = meta;
    const pixels = part("picture", Uint8Array);
    Object.assign(this.picture, { width: meta.width, height: meta.height });
    const context = this.picture.getContext("2d");
    const image = context.createImageData(meta.width, meta.height);
    for (let pixel = 0; pixel < meta.width * meta.height; pixel++) {
      image.data.set([pixels[3 * pixel], pixels[3 * pixel + 1], pixels[3 * pixel + 2], 255], 4 * pixel);
    }
    context.putImageData(image, 0, 0);
    this.canvas.style.setProperty("--ratio", String(meta.columns / meta.rows));
    this.find(".back").setAttribute("aria-label", meta.labels.back);
    this.find(".on").setAttribute("aria-label", meta.labels.next);
    this.player.drop();
    this.observer.observe(this.canvas);
    this.draw();
    this.app.dataset.ready = meta.content;
  }

  get ended() {
    return this.at === this.meta.windows.length - 1;
  }

  /** Go on or back by a window and play no further. */
  pass(by) {
    this.player.drop();
    this.step(by);
  }

  step(by) {
    this.show(Math.max(0, Math.min(this.meta.windows.length - 1, this.at + by)));
  }

  show(at) {
    this.at = at;
    this.draw();
  }

  draw() {
    if (!this.meta) return;
    fitCanvas(this.canvas);
    paintWindows(this);
    const { labels, windows } = this.meta;
    const { total, names } = windows[this.at];
    const told = names.length ? fill(labels.holds, { names: names.join(", "), count: names.length }) : labels.empty;
    const text = this.ended && !this.player.playing ? fill(labels.end, { total }) : `${told} ${fill(labels.sofar, { total })}`;
    this.find(".count").textContent = text;
    this.canvas.setAttribute("aria-label", text);
    this.find(".place").textContent = fill(labels.place, { number: this.at + 1, windows: windows.length });
    this.player.write(this.find(".play"), labels);
    Object.assign(this.app.dataset, { at: this.at, total });
  }

  dispose() {
    this.player.drop();
    this.observer.disconnect();
  }
}

function paintWindows({ canvas, picture, meta, at }) {
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const [across, down] = [canvas.width / meta.columns, canvas.height / meta.rows];
  meta.windows.forEach(({ row, column, height, width, names }, place) => {
    const box = [column * across, row * down, width * across, height * down];
    if (place > at) {
      context.fillStyle = "rgba(20, 24, 32, 0.45)";
      context.fillRect(...box);
      return;
    }
    context.strokeStyle = "rgba(60, 66, 76, 0.7)";
    context.lineWidth = 1.5 * ratio;
    context.strokeRect(...box);
    if (names.length) badge(context, box, `+${names.length}`, ratio);
  });
  const { row, column, height, width } = meta.windows[at];
  const inset = 2 * ratio;
  outline(context, [column * across + inset, row * down + inset, width * across - 2 * inset, height * down - 2 * inset], meta.colour, 3 * ratio);
}

function badge(context, [x, y], text, ratio) {
  const type = typeOf(context.canvas);
  context.font = `700 ${type}px system-ui, sans-serif`;
  context.textAlign = "left";
  context.textBaseline = "top";
  const wide = context.measureText(text).width + 8 * ratio;
  context.fillStyle = "rgba(255, 255, 255, 0.92)";
  context.fillRect(x + 3 * ratio, y + 3 * ratio, wide, 1.4 * type);
  context.fillStyle = "#9a3412";
  context.fillText(text, x + 7 * ratio, y + 5 * ratio);
}

const counters = new WeakMap(); // root of an instance → its counter

function mount({ data, parentElement }) {
  let counter = counters.get(parentElement);
  if (!counter) {
    counter = new WindowCounter(parentElement);
    counters.set(parentElement, counter);
  }
  counter.receive(data);
  pageKeys(counter.app, playerKeys(counter.app, { press: () => counter.player.press(), step: (by) => counter.pass(by) }));
  return () => counter.dispose();
}

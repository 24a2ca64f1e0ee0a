// Local windows go over a board one by one, and a counter runs: all numbers come with the data, playing stays in the
// browser. Windows already looked at keep their outline; each writes what it added.

const WINDOW_BEAT = 700; // milliseconds a window while it plays

class WindowCounter {
  constructor(root) {
    this.app = root.querySelector(".windows");
    this.find = (selector) => this.app.querySelector(selector);
    this.canvas = this.find("canvas");
    this.picture = document.createElement("canvas");
    this.timer = null;
    this.observer = new ResizeObserver(() => this.draw());
    this.find(".play").addEventListener("click", () => this.play(!this.timer));
    for (const [name, by] of [[".back", -1], [".on", 1]]) {
      this.find(name).addEventListener("click", () => {
        this.play(false);
        this.step(by);
      });
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
    this.find(".on").setAttribute("aria-label", meta.labels.on);
    this.play(false);
    this.observer.observe(this.canvas);
    this.draw();
    this.app.dataset.ready = meta.content;
  }

  step(by) {
    const next = this.at + by;
    if (next < 0 || next >= this.meta.windows.length) return false;
    this.at = next;
    this.draw();
    return true;
  }

  play(on) {
    clearInterval(this.timer);
    if (on && this.at === this.meta.windows.length - 1) this.at = 0;
    this.timer = on ? setInterval(() => this.step(1) || this.play(false), WINDOW_BEAT) : null;
    this.find(".play").textContent = on ? `❚❚ ${this.meta.labels.pause}` : `▶ ${this.meta.labels.play}`;
    this.draw();
  }

  draw() {
    if (!this.meta) return;
    fitCanvas(this.canvas);
    paintWindows(this);
    const { labels, windows } = this.meta;
    const { total, names } = windows[this.at];
    const last = this.at === windows.length - 1;
    const told = names.length ? fill(labels.holds, { names: names.join(", "), count: names.length }) : labels.empty;
    const text = last && !this.timer ? fill(labels.end, { total }) : `${told} ${fill(labels.sofar, { total })}`;
    this.find(".count").textContent = text;
    this.canvas.setAttribute("aria-label", text);
    this.find(".place").textContent = fill(labels.place, { number: this.at + 1, windows: windows.length });
    Object.assign(this.app.dataset, { at: this.at, total });
  }

  dispose() {
    clearInterval(this.timer);
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
  context.font = `700 ${14 * ratio}px system-ui, sans-serif`;
  context.textAlign = "left";
  context.textBaseline = "top";
  const wide = context.measureText(text).width + 8 * ratio;
  context.fillStyle = "rgba(255, 255, 255, 0.92)";
  context.fillRect(x + 3 * ratio, y + 3 * ratio, wide, 19 * ratio);
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
  return cleanUp(parentElement, () => counter.dispose());
}

// The place picker: a picture of rows × columns places. Pointing outlines one, a click or Enter chooses it.

class PlacePicker {
  constructor(root) {
    this.app = root.querySelector(".places");
    this.find = (selector) => this.app.querySelector(selector);
    this.canvas = this.find("canvas");
    this.hover = null; // the place under the pointer or the keyboard cursor, or null
    this.observer = new ResizeObserver(() => this.repaint());
    bindPlaces(this);
  }

  receive(bytes) {
    const { meta, part } = unpack(bytes);
    this.meta = meta;
    this.chosen = meta.chosen;
    if (this.hover !== null && this.hover >= meta.rows * meta.columns) this.hover = null;
    if (this.content !== meta.content) {
      this.content = meta.content;
      URL.revokeObjectURL(this.url);
      this.url = URL.createObjectURL(new Blob([part("picture", Uint8Array)]));
      this.find("img").src = this.url;
    }
    const picture = this.find(".picture");
    picture.style.cssText = meta.widest; // whole on the first screen
    picture.style.aspectRatio = meta.aspect; // before the picture is read: what follows does not move
    picture.setAttribute("aria-label", meta.label);
    picture.setAttribute("aria-description", meta.labels.keys);
    this.app.classList.toggle("crisp", meta.crisp);
    this.observer.observe(picture);
    this.repaint();
    this.app.dataset.ready = meta.content;
  }

  show(place) {
    if (place === this.hover) return;
    this.hover = place;
    this.repaint();
  }

  pick(place) {
    if (place === null || place === this.chosen) return;
    this.chosen = place;
    this.repaint();
    this.send("picked", { place });
  }

  nameOf(place) {
    const { columns, labels } = this.meta;
    return fill(labels.place, { row: Math.floor(place / columns) + 1, column: (place % columns) + 1 });
  }

  repaint() {
    if (!this.meta) return;
    fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.chosen !== null) outline(context, patchBox(this.canvas, this.meta, this.chosen), ORANGE, 3 * ratio);
    if (this.hover !== null) markPointer(context, patchBox(this.canvas, this.meta, this.hover), ratio);
    const { labels } = this.meta;
    const about = this.hover ?? this.chosen;
    this.find(".readout").textContent = this.hover !== null ? this.nameOf(this.hover) : hintOf(labels);
    this.app.dataset.hover = this.hover ?? "";
    this.app.dataset.chosen = this.chosen ?? "";
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      const words = about === this.chosen ? ` (${labels.chosen})` : "";
      this.find(".live").textContent = about === null ? "" : this.nameOf(about) + words;
    }, 250);
  }

  dispose() {
    this.observer.disconnect();
    clearTimeout(this.speaking);
    URL.revokeObjectURL(this.url);
  }
}

function bindPlaces(picker) {
  const picture = picker.find(".picture");
  const under = (event) => patchUnder(picker.canvas, picker.meta, event);
  picture.addEventListener("pointermove", (event) => picker.show(under(event)));
  picture.addEventListener("pointerleave", () => picker.show(null));
  const pick = (event) => picker.pick(under(event));
  picture.addEventListener("click", pick);
  scanByFinger(picture, pick);
  picture.addEventListener("blur", () => picture.matches(":hover") || picker.show(null));
  picture.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = movedPatch(event.key, picker.hover ?? picker.chosen, picker.meta);
    if (moved !== null) picker.show(moved);
    else if (event.key === "Enter" || event.key === " ") picker.pick(picker.hover);
    else if (event.key === "Escape") picker.show(null);
    else return;
    event.preventDefault();
  });
}

const pickers = new WeakMap(); // root of an instance → its picker

function mount({ data, parentElement, say }) {
  let picker = pickers.get(parentElement);
  if (!picker) {
    picker = new PlacePicker(parentElement);
    pickers.set(parentElement, picker);
  }
  picker.send = say;
  picker.receive(data);
  return () => picker.dispose();
}

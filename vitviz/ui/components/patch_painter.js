// The patch painter: a brush over the patches of a photo. Painting happens here; the server hears of strokes, and of a
// stroke as it grows as often as it can answer.

const UNDOS = 100;
const LIVE_WAIT = 60; // milliseconds between two questions within a stroke; none is asked before the last is answered
const REST_WAIT = 700; // milliseconds without a stroke after an answer until the rest of the page follows
const KEY_WAIT = 300; // milliseconds without another key until the server is asked
const ANSWER_WAIT = 4000; // milliseconds without an answer until the server is told again, twice as long each time

class PatchPainter {
  constructor(root) {
    this.app = root.querySelector(".painter");
    this.find = (selector) => this.app.querySelector(selector);
    this.canvas = this.find("canvas");
    this.painted = new Set();
    this.past = []; // earlier painted sets, for undo
    this.strokes = null; // number of the last stroke that was sent
    this.cursor = null; // the patch under the pointer or the keyboard, or null
    this.brush = 1;
    this.peeking = false;
    this.observer = new ResizeObserver(() => this.repaint());
    bindCanvas(this);
    bindTools(this);
  }

  /** Take over what the server sent, unless a newer stroke is on its way to it. */
  async receive(bytes) {
    const { meta, part } = unpack(bytes);
    const moved = this.meta && (meta.rows !== this.meta.rows || meta.columns !== this.meta.columns);
    if (this.strokes !== null && meta.stroke < this.strokes) {
      if (!moved) return;
    }
    this.strokes = Math.max(meta.stroke, this.strokes ?? 0);
    this.asked = false;
    clearTimeout(this.repeating);
    const [photo, changed] = await Promise.all([picture(part, "photo"), meta.changed ? picture(part, "changed") : null]);
    if (meta.stroke < this.strokes && !moved) return; // another stroke began while the pictures were decoded
    Object.assign(this, { meta, photo, changed });
    if (moved) Object.assign(this, { past: [], cursor: null });
    if (!this.stroke) this.painted = new Set(meta.painted);
    else this.ask();
    this.settle();
    writeTools(this);
    this.observer.observe(this.app);
    this.repaint();
    this.app.dataset.ready = meta.content;
  }

  /** Change the painted set as one step that can be undone, and tell the server. */
  change(patches) {
    this.remember();
    this.painted = new Set(patches);
    this.commit();
  }

  remember() {
    this.past.push(new Set(this.painted));
    if (this.past.length > UNDOS) this.past.shift();
  }

  commit(wait = 0) {
    this.resting = true;
    this.repaint();
    clearTimeout(this.settling); // Streamlit forgets a stroke if "the hand rests" follows before it was taken up
    clearTimeout(this.sending);
    this.strokes += 1; // from now on answers to earlier strokes are stale
    if (wait) this.sending = setTimeout(() => this.tell(), wait);
    else this.tell();
  }

  /** Send what is painted; ``live`` within a stroke, which no link has to hold. */
  tell(live = false, wait = ANSWER_WAIT) {
    this.sending = null;
    const painted = [...this.painted].sort((a, b) => a - b);
    this.told = painted.join();
    this.send({ painted, stroke: this.strokes, live });
    clearTimeout(this.repeating); // what is not answered may be lost; told twice it is the same
    this.repeating = setTimeout(() => this.sending || this.tell(Boolean(this.stroke), 2 * wait), wait);
  }

  /** Once a finished stroke was answered and the hand rests, let the rest of the page follow. */
  settle() {
    clearTimeout(this.settling);
    if (!this.resting) return;
    this.settling = setTimeout(() => {
      if (this.stroke || this.sending) return; // the next stroke has an answer of its own
      this.resting = false;
      this.rest();
    }, REST_WAIT);
  }

  undo() {
    if (!this.past.length) return;
    this.painted = this.past.pop();
    this.commit();
  }

  /** Begin a stroke: it paints, or takes away if it begins on a painted patch. */
  begin(patch) {
    this.remember();
    this.stroke = { from: patch, adds: !this.painted.has(patch) };
    this.extend(patch);
  }

  extend(patch) {
    for (const place of line(this.stroke.from, patch, this.meta)) {
      for (const each of brushed(place, this.brush, this.meta)) {
        if (this.stroke.adds) this.painted.add(each);
        else this.painted.delete(each);
      }
    }
    this.stroke.from = patch;
    this.point(patch);
    this.ask();
  }

  /** Within a stroke, tell the server what is painted so far, unless it has not answered yet or knows. */
  ask() {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      const now = [...this.painted].sort((a, b) => a - b).join();
      if (!this.stroke || this.asked || now === this.told) return;
      this.asked = true;
      this.strokes += 1;
      this.tell(true);
    }, LIVE_WAIT);
  }

  end() {
    this.stroke = null;
    this.commit();
  }

  cancel() {
    if (!this.stroke) return;
    this.stroke = null;
    this.painted = this.past.pop();
    this.commit(); // the server may have heard of the stroke
  }

  point(patch) {
    this.cursor = patch;
    this.repaint();
  }

  repaint() {
    if (!this.meta) return;
    fitCanvas(this.canvas);
    paintPainter(this);
    writeCount(this);
    this.app.dataset.painted = this.painted.size;
    this.app.dataset.cursor = this.cursor ?? "";
  }

  dispose() {
    this.observer.disconnect();
    clearTimeout(this.speaking);
    clearTimeout(this.asking);
    clearTimeout(this.settling);
    clearTimeout(this.sending);
    if (this.sending || this.stroke) this.tell(); // what was painted just before leaving counts too
    clearTimeout(this.repeating);
  }
}

function picture(part, name) {
  return createImageBitmap(new Blob([part(name, Uint8Array)]));
}

function bindCanvas(painter) {
  const target = painter.find(".canvas");
  const under = (event) => patchUnder(painter.canvas, painter.meta, event);
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    target.setPointerCapture(event.pointerId);
    painter.begin(under(event));
  });
  target.addEventListener("pointermove", (event) => {
    if (!event.isPrimary) return;
    if (painter.stroke) painter.extend(under(event));
    else if (under(event) !== painter.cursor) painter.point(under(event));
  });
  target.addEventListener("pointerup", () => painter.stroke && painter.end());
  target.addEventListener("pointercancel", () => painter.cancel());
  target.addEventListener("pointerleave", () => painter.stroke || painter.point(null));
  target.addEventListener("blur", () => target.matches(":hover") || painter.point(null));
  target.addEventListener("keydown", (event) => onKey(painter, event));
}

function onKey(painter, event) {
  if (event.altKey || painter.stroke) return;
  const { meta } = painter;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") painter.undo();
  else if (event.ctrlKey || event.metaKey) return;
  else if (event.key === " ") toggle(painter);
  else if (event.key === "Escape") painter.point(null);
  else {
    const moved = movedPatch(event.key, painter.cursor, meta);
    if (moved === null) return;
    painter.point(moved);
    if (event.shiftKey) toggle(painter, true);
  }
  event.preventDefault();
  speak(painter);
}

/** Paint or clear the patches under the keyboard's brush; with ``adds`` paint in any case. */
function toggle(painter, adds = !painter.painted.has(painter.cursor)) {
  if (painter.cursor === null) painter.point(movedPatch("Home", null, painter.meta));
  painter.remember();
  for (const each of brushed(painter.cursor, painter.brush, painter.meta)) {
    if (adds) painter.painted.add(each);
    else painter.painted.delete(each);
  }
  painter.commit(KEY_WAIT);
}

function bindTools(painter) {
  const { find } = painter;
  const all = () => Array.from({ length: painter.meta.rows * painter.meta.columns }, (_, patch) => patch);
  find(".undo").onclick = () => painter.undo();
  find(".clear").onclick = () => painter.change([]);
  find(".invert").onclick = () => painter.change(all().filter((patch) => !painter.painted.has(patch)));
  find(".random").onclick = () => painter.change(drawn(all(), Number(find(".share").value) / 100));
  find(".share").oninput = () => writeShare(painter);
  find(".peek").onclick = () => {
    painter.peeking = !painter.peeking;
    find(".peek").setAttribute("aria-pressed", String(painter.peeking));
    painter.repaint();
  };
  radioKeys(find(".brush"), (value) => {
    painter.brush = Number(value);
    checkRadio(find(".brush"), value);
  });
}

/** A share of the patches drawn at random. */
function drawn(patches, share) {
  const count = Math.round(share * patches.length);
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(Math.random() * (patches.length - at));
    [patches[at], patches[other]] = [patches[other], patches[at]];
  }
  return patches.slice(0, count);
}

function writeTools(painter) {
  const { meta, find } = painter;
  const { labels } = meta;
  for (const name of ["undo", "clear", "invert", "peek", "random"]) find(`.${name}`).textContent = labels[name];
  segments(find(".brush"), labels.brush, [1, 2, 3].map((size) => [String(size), fill(labels.brush_size, { size })]));
  checkRadio(find(".brush"), painter.brush);
  find(".hint").textContent = hintOf(labels);
  find(".keys").textContent = labels.keys;
  find(".effect").textContent = meta.effect;
  find(".share").setAttribute("aria-label", labels.share);
  find(".canvas").style.aspectRatio = `${painter.photo.width} / ${painter.photo.height}`;
  find(".canvas").setAttribute("aria-label", labels.canvas);
  find(".canvas").setAttribute("aria-describedby", "vitviz-painter-keys");
  writeShare(painter);
}

function writeShare({ find }) {
  find(".share-text").textContent = `${find(".share").value}%`;
}

function writeCount(painter) {
  const { meta, painted, find, past } = painter;
  const total = meta.rows * meta.columns;
  find(".number").textContent = fill(meta.labels.count, { count: painted.size, total, share: percent(painted.size / total) });
  find(".undo").disabled = !past.length;
  find(".clear").disabled = !painted.size;
}

/** Say where the keyboard is and whether that patch is painted. */
function speak(painter) {
  clearTimeout(painter.speaking);
  painter.speaking = setTimeout(() => {
    const { cursor, meta, painted, find } = painter;
    if (cursor === null) return;
    const place = { row: Math.floor(cursor / meta.columns) + 1, column: (cursor % meta.columns) + 1 };
    const state = painted.has(cursor) ? meta.labels.is_painted : meta.labels.is_not_painted;
    find(".live").textContent = `${fill(meta.labels.place, place)}, ${state}. ${find(".number").textContent}`;
  }, 250);
}

const painters = new WeakMap(); // root of an instance → its painter

function mount({ data, parentElement, say }) {
  let painter = painters.get(parentElement);
  if (!painter) {
    painter = new PatchPainter(parentElement);
    painters.set(parentElement, painter);
  }
  painter.send = (value) => say("stroke", value);
  painter.rest = () => say("rest", true);
  painter.receive(data);
  return () => painter.dispose();
}

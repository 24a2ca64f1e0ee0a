// Shared by the components: reading the blob, numbers as text, the geometry of cells,
// keyboard moves, radio groups.

const ORANGE = "#ff7a00"; // the query patch and the chosen head, everywhere in vitviz

/** Split the blob that packing.py made into its JSON header and a reader of its parts. */
function unpack(bytes) {
  const header = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const meta = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + header)));
  const part = (name, Type) => {
    const [offset, length] = meta.parts[name];
    const start = 4 + header + offset;
    return new Type(bytes.slice(start, start + length).buffer); // a copy, because typed arrays must be aligned
  };
  return { meta, part };
}

/** What a hint, or another label, says: where nothing can hover, the words for a finger. */
function hintOf(labels, name = "hint") {
  return (matchMedia("(hover: none)").matches && labels[`${name}_touch`]) || labels[name];
}

/** Put values into the braces of a label: fill("row {row}", {row: 3}). */
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** A share as text, as Python's percent() and Plotly's .3~p write it: 0.1234 → "12.3%". */
function percent(share) {
  const value = 100 * share;
  if (value !== 0 && Math.abs(value) < 0.001) return "<0.001%";
  return `${Math.abs(value) >= 999.5 ? value.toFixed(0) : Number(value.toPrecision(3))}%`.replace("-", "−");
}

/** A number with its unit, as Python's amount(): the unit "%" says that it is a share. */
function amount(value, unit, text) {
  return unit === "%" ? percent(value) : `${text(value)} ${unit}`.trim();
}

/** A multiple of the uniform share as text: 31, 4.7, 0.21. */
function times(multiple) {
  const digits = multiple >= 10 ? 0 : multiple >= 1 ? 1 : multiple >= 0.01 ? 2 : 3;
  return multiple.toFixed(digits);
}

/** 256 × RGB bytes as 256 opaque pixels. */
function colourTable(bytes) {
  const pixels = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    pixels[i] = (255 << 24) | (bytes[3 * i + 2] << 16) | (bytes[3 * i + 1] << 8) | bytes[3 * i];
  }
  return pixels;
}

/** Give the canvas as many pixels as the screen has under it; return true if that changed its size. */
function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  return true;
}

/** The size of the type round a canvas, in its pixels: it grows in presentation size. */
function typeOf(canvas) {
  return parseFloat(getComputedStyle(canvas).fontSize) * (window.devicePixelRatio || 1);
}

/** Outline a box with a dark halo, so that the colour is seen on any ground; at the edge of the canvas it stays inside. */
function outline(context, [x, y, width, height], colour, thickness) {
  const margin = thickness / 2 + 1;
  const left = Math.max(margin, x - thickness / 2);
  const top = Math.max(margin, y - thickness / 2);
  const right = Math.min(context.canvas.width - margin, x + width + thickness / 2);
  const bottom = Math.min(context.canvas.height - margin, y + height + thickness / 2);
  const lines = [["rgba(0, 0, 0, 0.7)", thickness + 2], [colour, thickness]];
  for (const [style, line] of lines) {
    context.strokeStyle = style;
    context.lineWidth = line;
    context.strokeRect(left, top, right - left, bottom - top);
  }
}

/** The box of a patch on a canvas: [x, y, width, height]. */
function patchBox(canvas, { rows, columns }, patch) {
  const width = canvas.width / columns;
  const height = canvas.height / rows;
  return [(patch % columns) * width, Math.floor(patch / columns) * height, width, height];
}

/** The patch under a pointer event on a canvas or its wrapper. */
function patchUnder(target, { rows, columns }, event) {
  const box = target.getBoundingClientRect();
  const inside = (place, count) => Math.min(count - 1, Math.max(0, Math.floor(place * count)));
  const row = inside((event.clientY - box.top) / box.height, rows);
  return row * columns + inside((event.clientX - box.left) / box.width, columns);
}

/** Mark the patch under the pointer: black round white, so that it shows on any colour. */
function markPointer(context, box, scale) {
  const [x, y, width, height] = box;
  for (const [colour, inset] of [["#000", 0], ["#fff", 1.5 * scale]]) {
    context.strokeStyle = colour;
    context.lineWidth = 1.5 * scale;
    context.strokeRect(x - inset, y - inset, width + 2 * inset, height + 2 * inset);
  }
}

/** The patch that a key leads to, or null for another key. From a special token every key leads to the middle. */
function movedPatch(key, patch, { rows, columns }) {
  const moves = {
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    Home: [0, -columns],
    End: [0, columns],
    PageUp: [-rows, 0],
    PageDown: [rows, 0],
  };
  if (!(key in moves)) return null;
  if (patch === null) return Math.floor(rows / 2) * columns + Math.floor(columns / 2);
  const [down, right] = moves[key];
  const row = Math.min(rows - 1, Math.max(0, Math.floor(patch / columns) + down));
  return row * columns + Math.min(columns - 1, Math.max(0, (patch % columns) + right));
}

const mounts = new WeakMap(); // root of an instance → number of its latest mount

/**
 * What Streamlit calls to clean up after this mount. It also cleans up after a mount that newer data overtook while the
 * script was loading; the instance lives on then, and nothing may be taken from it.
 */
function cleanUp(root, dispose) {
  const number = (mounts.get(root) ?? 0) + 1;
  mounts.set(root, number);
  return () => {
    if (mounts.get(root) === number) dispose();
  };
}

/** Create an element with a class and text. User text goes through textContent, never through markup. */
function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/** Move the choice of a radio group with the arrow keys; only the chosen radio is a tab stop. */
function radioKeys(group, choose) {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!step) return;
    const radios = [...group.querySelectorAll('[role="radio"]:not([hidden])')];
    const at = radios.findIndex((radio) => radio.getAttribute("aria-checked") === "true");
    const from = at < 0 && step < 0 ? 0 : at; // none is chosen: backwards begins at the last
    const next = radios[(from + step + radios.length) % radios.length];
    event.preventDefault();
    event.stopPropagation();
    choose(next.dataset.value);
    next.focus();
  });
  group.addEventListener("click", (event) => {
    const radio = event.target.closest('[role="radio"]');
    if (radio) choose(radio.dataset.value);
  });
}

/** Mark the chosen radio of a group. */
function checkRadio(group, value) {
  for (const radio of group.querySelectorAll('[role="radio"]')) {
    const chosen = radio.dataset.value === String(value);
    radio.setAttribute("aria-checked", chosen);
    radio.tabIndex = chosen ? 0 : -1;
  }
}

/**
 * Let keys act on the whole page, but where text is written or another part of the page took them. `take` gets a key and
 * returns whether it did something. Where several parts know a key, the one with the focus has it, else the first.
 */
function pageKeys(app, take) {
  document.vitvizKeys ??= listenToPage(new Map());
  document.vitvizKeys.set(app, take);
}

function listenToPage(takers) {
  const place = (app) => app.getRootNode().host ?? app;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || writes(event)) return;
    const path = event.composedPath();
    for (const app of takers.keys()) if (!app.isConnected) takers.delete(app);
    const apps = [...takers.keys()].sort((one, other) => {
      if (path.includes(one) !== path.includes(other)) return path.includes(one) ? -1 : 1;
      return place(one).compareDocumentPosition(place(other)) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;
    });
    if (apps.some((app) => takers.get(app)(event.key))) event.preventDefault();
  });
  return takers;
}

/** Whether a key would be text, a choice in a list or an answer in a dialog, where the reader is. */
function writes(event) {
  const [node] = event.composedPath();
  const kinds = 'input:not([type="range"], [type="checkbox"], [type="radio"]), textarea, select, [contenteditable], [role="combobox"], [role="listbox"], [role="option"], dialog, [role="dialog"]';
  return node instanceof Element && (node.isContentEditable || node.closest(kinds) !== null);
}

/** Fill a segmented control with one radio an option: [[value, text], …]. */
function segments(group, label, options) {
  group.setAttribute("aria-label", label);
  const same = [...group.children].map((radio) => `${radio.dataset.value}|${radio.textContent}`).join();
  if (same === options.map(([value, text]) => `${value}|${text}`).join()) return;
  group.replaceChildren(
    ...options.map(([value, text]) => {
      const radio = element("button", "segment", text);
      radio.type = "button";
      radio.setAttribute("role", "radio");
      radio.dataset.value = value;
      return radio;
    }),
  );
}

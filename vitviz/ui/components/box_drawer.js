// The box drawer: a photo on which one box is dragged with the pointer, or moved and sized with the keys.

const drawers = new WeakMap();

/** The box between two corners, in whole pixels of the model's input: [left, top, right, bottom]. */
function boxBetween([x0, y0], [x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
}

/** The box that a key leads to, or null for another key: arrows move it by a patch, with Shift its lower right corner. */
function movedBox(event, box, { width, height, step }) {
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!move) return null;
  if (!box) return [Math.floor(width / 4), Math.floor(height / 4), Math.ceil((3 * width) / 4), Math.ceil((3 * height) / 4)];
  const [left, top, right, bottom] = box;
  let [across, down] = [move[0] * step[1], move[1] * step[0]];
  if (event.shiftKey) {
    const edge = (value, low, high) => Math.min(high, Math.max(low, value));
    return [left, top, edge(right + across, left + 1, width), edge(bottom + down, top + 1, height)];
  }
  across = Math.min(width - right, Math.max(-left, across));
  down = Math.min(height - bottom, Math.max(-top, down));
  return [left + across, top + down, right + across, bottom + down];
}

function mount({ data, parentElement, say }) {
  const { meta, part } = unpack(data);
  const root = parentElement.querySelector(".drawer");
  const [photo, image, canvas] = [".photo", "img", "canvas"].map((name) => root.querySelector(name));
  const [told, clear] = [root.querySelector(".told"), root.querySelector(".clear")];
  const state = drawers.get(parentElement) ?? { url: "", photo: "" };
  drawers.set(parentElement, state);
  state.box = meta.box;
  if (state.photo !== meta.photo) {
    URL.revokeObjectURL(state.url);
    state.url = URL.createObjectURL(new Blob([part("photo", Uint8Array)], { type: "image/jpeg" }));
    state.photo = meta.photo;
    image.src = state.url;
  }
  photo.setAttribute("aria-label", `${meta.labels.photo} ${meta.labels.keys}`);
  clear.textContent = meta.labels.clear;

  const draw = () => {
    fitCanvas(canvas);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    root.dataset.box = state.box ? state.box.join(".") : "";
    clear.hidden = !state.box;
    const [left, top, right, bottom] = state.box ?? [];
    told.textContent = state.box
      ? fill(meta.labels.box, { left, top, width: right - left, height: bottom - top })
      : meta.labels.none;
    if (!state.box) return;
    const [across, down] = [canvas.width / meta.width, canvas.height / meta.height];
    const place = [left * across, top * down, (right - left) * across, (bottom - top) * down];
    context.fillStyle = "rgba(0, 0, 0, 0.45)"; // what lies outside is darker
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.clearRect(...place);
    outline(context, place, ORANGE, 3 * (window.devicePixelRatio || 1));
  };
  const send = () => say("box", state.box ? state.box.join(".") : "");
  const at = (event) => {
    const frame = photo.getBoundingClientRect();
    const inside = (share, size) => Math.min(size, Math.max(0, Math.round(share * size)));
    return [
      inside((event.clientX - frame.left) / frame.width, meta.width),
      inside((event.clientY - frame.top) / frame.height, meta.height),
    ];
  };
  photo.onpointerdown = (event) => {
    if (event.button !== 0) return;
    state.corner = at(event);
    photo.setPointerCapture(event.pointerId);
  };
  photo.onpointermove = (event) => {
    if (!state.corner) return;
    const box = boxBetween(state.corner, at(event));
    if (box[2] > box[0] && box[3] > box[1]) {
      state.box = box;
      state.drawn = true;
      draw();
    }
  };
  photo.onpointerup = () => {
    state.corner = null;
    if (state.drawn) send();
    state.drawn = false;
  };
  photo.onpointercancel = () => {
    state.corner = null;
    state.drawn = false;
    state.box = meta.box;
    draw();
  };
  photo.onkeydown = (event) => {
    if (event.key === "Enter" || event.key === " ") send();
    else if (event.key === "Escape") state.box = meta.box;
    else if (event.key === "Delete" || event.key === "Backspace") {
      state.box = null;
      send();
    } else {
      const box = movedBox(event, state.box, meta);
      if (!box) return;
      state.box = box;
    }
    event.preventDefault();
    draw();
  };
  clear.onclick = () => {
    state.box = null;
    draw();
    send();
    photo.focus();
  };
  image.onload = draw;
  state.observer?.disconnect();
  state.observer = new ResizeObserver(draw);
  state.observer.observe(photo);
  draw();
  root.dataset.ready = meta.photo;
  return () => {
    state.observer.disconnect();
    URL.revokeObjectURL(state.url);
    drawers.delete(parentElement);
  };
}

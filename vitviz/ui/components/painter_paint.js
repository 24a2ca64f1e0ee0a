// Drawing of the patch painter: the picture, what was painted since, the border of the painted patches, the brush.

/** The patches under a square brush of ``size`` patches round a patch, those outside the grid left out. */
function brushed(patch, size, { rows, columns }) {
  const before = Math.floor((size - 1) / 2);
  const [row, column] = [Math.floor(patch / columns) - before, (patch % columns) - before];
  const found = [];
  for (let down = Math.max(0, row); down < Math.min(rows, row + size); down++) {
    for (let right = Math.max(0, column); right < Math.min(columns, column + size); right++) {
      found.push(down * columns + right);
    }
  }
  return found;
}

/** The patches on a straight line from one to another, so that a fast stroke leaves no gaps. */
function line(from, to, { columns }) {
  const [top, left] = [Math.floor(from / columns), from % columns];
  const [down, right] = [Math.floor(to / columns) - top, (to % columns) - left];
  const steps = Math.max(Math.abs(down), Math.abs(right), 1);
  const at = (step) => Math.round(top + (down * step) / steps) * columns + Math.round(left + (right * step) / steps);
  return Array.from({ length: steps + 1 }, (_, step) => at(step));
}

/** Draw everything; patches that changed since the server's last answer show the photo or an orange veil. */
function paintPainter(painter) {
  const { meta, canvas, photo, changed, painted } = painter;
  if (!photo) return;
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  context.imageSmoothingQuality = "high";
  context.drawImage(painter.peeking || !changed ? photo : changed, 0, 0, canvas.width, canvas.height);
  if (!painter.peeking) {
    const answered = new Set(meta.painted);
    for (const patch of answered) if (!painted.has(patch)) showPhoto(context, painter, patch);
    for (const patch of painted) if (!answered.has(patch)) veil(context, patchBox(canvas, meta, patch));
  }
  border(context, painter, 2 * ratio);
  if (painter.cursor === null) return;
  const under = brushed(painter.cursor, painter.brush, meta);
  const [first, last] = [patchBox(canvas, meta, under[0]), patchBox(canvas, meta, under[under.length - 1])];
  markPointer(context, [first[0], first[1], last[0] + last[2] - first[0], last[1] + last[3] - first[1]], ratio);
}

/** Draw the photo's own pixels of one patch. */
function showPhoto(context, { meta, canvas, photo }, patch) {
  const [x, y, width, height] = patchBox(canvas, meta, patch);
  const [across, down] = [photo.width / canvas.width, photo.height / canvas.height];
  context.drawImage(photo, x * across, y * down, width * across, height * down, x, y, width, height);
}

function veil(context, box) {
  context.fillStyle = "rgba(255, 122, 0, 0.5)";
  context.fillRect(...box);
}

/** The border of the painted area in orange with a dark halo; no lines between painted neighbours. */
function border(context, { meta, canvas, painted }, thickness) {
  const { columns } = meta;
  const path = new Path2D();
  const edge = (x0, y0, x1, y1) => {
    path.moveTo(x0, y0);
    path.lineTo(x1, y1);
  };
  for (const patch of painted) {
    const [x, y, width, height] = patchBox(canvas, meta, patch);
    const column = patch % columns;
    if (!painted.has(patch - columns)) edge(x, y, x + width, y);
    if (!painted.has(patch + columns)) edge(x, y + height, x + width, y + height);
    if (column === 0 || !painted.has(patch - 1)) edge(x, y, x, y + height);
    if (column === columns - 1 || !painted.has(patch + 1)) edge(x + width, y, x + width, y + height);
  }
  context.lineCap = "square";
  for (const [style, wide] of [["rgba(0, 0, 0, 0.7)", thickness + 2], [ORANGE, thickness]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.stroke(path);
  }
}

// Painting: patch values to coloured cells, cells over the photo, outlines round patches.

/** Turns the patch values of one map into a small canvas, one pixel a patch (or several when interpolating). */
class MapPainter {
  constructor(rows, columns) {
    Object.assign(this, { rows, columns, fine: 0 });
    this.canvas = document.createElement("canvas");
  }

  resize(fine) {
    if (this.fine === fine) return;
    this.fine = fine;
    this.canvas.width = this.columns * fine;
    this.canvas.height = this.rows * fine;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** Colour values[start …] with the table, 0 first and `top` last colour; `fine` pixels a patch if above 1. */
  paint(values, start, table, top, fine = 1) {
    this.resize(fine);
    if (fine === 1) this.cells(values, start, table, 255 / top);
    else this.smooth(values, start, table, 255 / top);
    this.context.putImageData(this.image, 0, 0);
    return this.canvas;
  }

  cells(values, start, table, factor) {
    const { pixels } = this;
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[Math.min(255, Math.round(values[start + i] * factor))];
  }

  /** Interpolate the values (not the colours) linearly between the centres of the patches. */
  smooth(values, start, table, factor) {
    const { rows, columns, fine, pixels } = this;
    const across = between(columns, fine);
    const down = between(rows, fine);
    let at = 0;
    for (const [top, bottom, y] of down) {
      for (const [left, right, x] of across) {
        const upper = values[start + top * columns + left] * (1 - x) + values[start + top * columns + right] * x;
        const lower = values[start + bottom * columns + left] * (1 - x) + values[start + bottom * columns + right] * x;
        pixels[at++] = table[Math.min(255, Math.round((upper * (1 - y) + lower * y) * factor))];
      }
    }
  }
}

/** For every fine pixel along one side: the patch before it, the patch after it, and how far it is between them. */
function between(patches, fine) {
  return Array.from({ length: patches * fine }, (_, pixel) => {
    const place = (pixel + 0.5) / fine - 0.5;
    const before = Math.max(0, Math.floor(place));
    const after = Math.min(patches - 1, Math.floor(place) + 1);
    return [before, after, place < 0 ? 0 : place - before];
  });
}

/** Draw cells over what is there: covering it with their colour, or (spotlight) darkening it. */
function drawCells(context, cells, opacity, darkens, interpolate) {
  const { width, height } = context.canvas;
  context.globalAlpha = opacity;
  context.globalCompositeOperation = darkens ? "multiply" : "source-over";
  context.imageSmoothingEnabled = interpolate;
  context.drawImage(cells, 0, 0, width, height);
  context.globalAlpha = 1;
  context.globalCompositeOperation = "source-over";
}

/** Take the photo of a view's data, unless newer data came meanwhile, and have the view drawn with it. */
async function takePhoto(view, bytes, draw) {
  const name = view.meta.photoName;
  const image = await createImageBitmap(new Blob([bytes]));
  if (name !== view.meta.photoName) return;
  view.image = image;
  view.scaledFor = {};
  draw();
  view.app.dataset.ready = view.meta.content;
}

/** The photo of a view at the size of a canvas, kept for every size that the view has canvases of. */
function photoFor(view, canvas) {
  const holder = ((view.scaledFor ??= {})[`${canvas.width}×${canvas.height}`] ??= {});
  return scaledPhoto(holder, view.image, canvas);
}

/** The photo at the size of a canvas, in colour and in grey; scaled once and kept until the size changes. */
function scaledPhoto(holder, image, canvas) {
  const kept = holder.scaled;
  if (kept && kept.colour.width === canvas.width && kept.colour.height === canvas.height) return kept;
  const copy = (filter) => {
    const scaled = document.createElement("canvas");
    scaled.width = canvas.width;
    scaled.height = canvas.height;
    const context = scaled.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.filter = filter;
    if (image) context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return scaled;
  };
  holder.scaled = { colour: copy("none"), grey: copy("grayscale(1)") };
  return holder.scaled;
}

/** The photo; grey under colours, so that every hue in the picture belongs to the map. */
function drawPhoto(context, photo, opacity, darkens) {
  context.drawImage(photo.colour, 0, 0);
  if (darkens) return;
  context.globalAlpha = Math.min(1, 3 * opacity);
  context.drawImage(photo.grey, 0, 0);
  context.globalAlpha = 1;
}

/** The large map over the photo, the query's outline, and the pinned one's (thin) while another is shown. */
function paintPhoto(viewer) {
  const { meta, state, photoCanvas: canvas } = viewer;
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  const fine = state.interpolate ? Math.max(4, Math.min(16, Math.round(384 / Math.max(meta.rows, meta.columns)))) : 1;
  const values = viewer.map(state.head);
  const cells = viewer.painter.paint(values, meta.prefix.length, viewer.table, viewer.top(true), fine);
  context.clearRect(0, 0, canvas.width, canvas.height);
  drawPhoto(context, scaledPhoto(viewer, viewer.image, canvas), state.opacity, viewer.darkens);
  drawCells(context, cells, state.opacity, viewer.darkens, state.interpolate);
  paintMarks(viewer, canvas, 3 * ratio);
}

function paintTile(viewer, tile) {
  const { meta, state } = viewer;
  const context = tile.canvas.getContext("2d");
  const fine = state.interpolate ? 4 : 1;
  const values = viewer.map(tile.head);
  const cells = tile.painter.paint(values, meta.prefix.length, viewer.table, viewer.top(false), fine);
  if (viewer.darkens) drawPhoto(context, scaledPhoto(tile, viewer.image, tile.canvas), 1, true);
  drawCells(context, cells, viewer.darkens ? state.opacity : 1, viewer.darkens, state.interpolate);
  paintMarks(viewer, tile.canvas, 2 * (window.devicePixelRatio || 1));
}

/** Outline what the reader points at, what is pinned and what is the query: the query last, on top. */
function paintMarks(viewer, canvas, thickness) {
  const { meta } = viewer;
  const context = canvas.getContext("2d");
  const query = viewer.patchOf(viewer.token);
  const pinned = canvas === viewer.photoCanvas ? viewer.patchOf(viewer.tokenOf(viewer.state.query)) : null;
  if (viewer.pointer !== null && viewer.pointer !== query) {
    markPointer(context, patchBox(canvas, meta, viewer.pointer), thickness / 2);
  }
  if (pinned !== null && pinned !== query) {
    outline(context, patchBox(canvas, meta, pinned), ORANGE, thickness / 3);
  }
  if (query !== null) outline(context, patchBox(canvas, meta, query), ORANGE, thickness);
}

/** As large as the small maps can be while they end near the photo's lower edge; three or more abreast on a phone. */
function layoutTiles(viewer) {
  const tiles = viewer.find(".tiles");
  const { heads, picture } = { heads: viewer.find(".heads"), picture: viewer.find(".picture") };
  const stacked = heads.offsetTop > picture.offsetTop + 10;
  const width = tiles.clientWidth;
  const room = 1.3 * Math.max(150, picture.offsetHeight - (heads.offsetHeight - tiles.offsetHeight));
  const columns = stacked
    ? Math.max(3, Math.floor(width / 110))
    : tileColumns(viewer.tiles.length, width, room, viewer.meta.width / viewer.meta.height);
  tiles.style.setProperty("--columns", columns);
  viewer.tileWidth = (width - TILE_GAP * (columns - 1)) / columns;
}

const TILE_GAP = 10; // pixels, as in the style sheet
const CAPTION = 24;
const SMALLEST_TILE = 76;
const LARGEST_TILE = 200;

/** The fewest columns whose maps are not too large and fit into the room; never so many that they get tiny. */
function tileColumns(count, width, room, aspect) {
  const size = (columns) => (width - TILE_GAP * (columns - 1)) / columns;
  let columns = 2;
  while (columns < count && size(columns + 1) >= SMALLEST_TILE) {
    const height = Math.ceil(count / columns) * (size(columns) / aspect + CAPTION + TILE_GAP);
    if (height <= room && size(columns) <= LARGEST_TILE) break;
    columns++;
  }
  return columns;
}

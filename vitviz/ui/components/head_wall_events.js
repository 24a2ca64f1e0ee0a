// What the reader does with the head wall: pointing, keys, buttons.

function bindWall(wall) {
  const grid = wall.find(".grid");
  const under = (event) => {
    const tile = event.target.closest(".tile");
    return tile ? Number(tile.dataset.cell) : null;
  };
  grid.addEventListener("pointermove", (event) => event.pointerType !== "touch" && wall.show(under(event)));
  grid.addEventListener("pointerleave", () => wall.show(null));
  grid.addEventListener("blur", () => grid.matches(":hover") || wall.show(null));
  grid.addEventListener("click", (event) => {
    const cell = under(event);
    if (cell === null) return;
    if (event.shiftKey) wall.turn(cell);
    else wall.pin(cell);
  });
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = movedHead(wall, event.key);
    if (moved !== null) wall.show(moved);
    else if (event.key === "Enter" || event.key === " ") wall.pin(wall.cell);
    else if (event.key === "x") wall.turn(wall.cell);
    else if (event.key === "o") wall.sendCell("open", wall.cell);
    else if (event.key === "Escape") wall.show(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** The head that a key leads to, as the tiles lie on the screen; null for another key or where there is none. */
function movedHead(wall, key) {
  const { layers, heads } = wall.meta;
  const [layer, head] = wall.place(wall.cell);
  const shape = wall.narrow ? { rows: layers, columns: heads } : { rows: heads, columns: layers };
  const moved = movedPatch(key, wall.narrow ? layer * heads + head : head * layers + layer, shape);
  if (moved === null) return null;
  const [row, column] = [Math.floor(moved / shape.columns), moved % shape.columns];
  const cell = wall.narrow ? row * heads + column : column * heads + row;
  return wall.missing[cell] ? wall.cell : cell;
}

function bindPicture(wall) {
  const picture = wall.find(".side .picture");
  const point = (patch) => {
    if (patch === wall.patch) return;
    wall.patch = patch;
    paintLarge(wall);
  };
  const ask = (patch) => patch !== null && wall.send("query", { query: String(patch) });
  picture.addEventListener("pointermove", (event) => point(patchUnder(picture, wall.meta, event)));
  picture.addEventListener("pointerleave", () => point(null));
  const askHere = (event) => ask(patchUnder(picture, wall.meta, event));
  picture.addEventListener("click", askHere);
  scanByFinger(picture, askHere);
  picture.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = movedPatch(event.key, wall.patch ?? wall.queryPatch, wall.meta);
    if (moved !== null) point(moved);
    else if (event.key === "Enter" || event.key === " ") ask(wall.patch);
    else if (event.key === "Escape") point(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function bindButtons(wall) {
  wall.find(".pin").addEventListener("click", () => wall.pin(wall.cell));
  wall.find(".turn").addEventListener("click", () => wall.turn(wall.cell));
  wall.find(".open").addEventListener("click", () => wall.sendCell("open", wall.cell));
  radioKeys(wall.find(".direction"), (direction) => wall.send("direction", direction));
  radioKeys(wall.find(".scales"), (scale) => wall.setScale(scale));
}

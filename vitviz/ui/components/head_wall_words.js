// The words and numbers of the head wall.

/** Everything that is text round the maps. */
function writeWall(wall) {
  const { meta, find } = wall;
  const { labels } = meta;
  segments(find(".scales"), labels.scale, [["ten", labels.scale_ten], ["layer", labels.scale_layer], ["map", labels.scale_map]]);
  checkRadio(find(".scales"), wall.scale);
  segments(find(".direction"), labels.direction, ["attends_to", "attended_by"].map((name) => [name, labels[name]]));
  checkRadio(find(".direction"), meta.direction);
  find(".hint").textContent = meta.standalone ? "" : hintOf(labels);
  for (const name of [".turn", ".open", ".direction"]) find(name).hidden = meta.standalone;
  find(".keys").textContent = labels.keys;
  find(".grid").setAttribute("aria-label", `${labels.wall}: ${meta.label}`);
  find(".grid").setAttribute("aria-describedby", "vitviz-wall-keys");
  find(".side .picture").setAttribute("aria-label", labels.large);
  find(".side .picture").setAttribute("aria-description", labels.large_keys);
  find(".frame-name").textContent = `${labels.frames} ${meta.label}`;
  find(".frame-low").textContent = amount(meta.limits[0], meta.unit === "%" ? meta.unit : "", numberText);
  find(".frame-high").textContent = amount(meta.limits[1], meta.unit, numberText);
  paintRamp(find(".ramp.frames"), wall.frameTable);
  paintRamp(find(".ramp.maps"), wall.table);
  writeLegend(wall);
  const queries = find(".queries");
  queries.setAttribute("aria-label", labels.query);
  queries.replaceChildren(element("span", "quiet", labels.query), ...queryButtons(wall));
  writeEffect(wall);
}

function queryButtons(wall) {
  const { prefix, query, labels, columns } = wall.meta;
  const patch = wall.queryPatch;
  const place = patch === null ? null : fill(labels.patch, { row: Math.floor(patch / columns) + 1, column: (patch % columns) + 1 });
  const names = (wall.meta.standalone ? prefix.filter((name) => name === query) : prefix).map((name) => [name, labels[name] ?? name]);
  const buttons = (patch === null ? names : [...names, [query, place]]).map(([name, text]) => {
    const button = element("button", "press", text);
    button.type = "button";
    button.dataset.query = name;
    button.setAttribute("aria-pressed", name === query);
    button.addEventListener("click", () => wall.send("query", { query: name }));
    return button;
  });
  return buttons;
}

function writeLegend(wall) {
  const { labels } = wall.meta;
  const ends = { ten: [labels.low_ten, labels.high_ten], layer: ["0", labels.high_layer], map: ["0", labels.high_map] };
  [wall.find(".low").textContent, wall.find(".high").textContent] = ends[wall.scale];
}

function paintRamp(canvas, table) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(table);
  context.putImageData(image, 0, 0);
}

function writeEffect(wall) {
  const { effect } = wall.meta;
  wall.find(".effect").hidden = !effect;
  if (!effect) return;
  wall.find(".sentence").textContent = effect.sentence;
  const body = wall.find(".effect tbody");
  body.replaceChildren(
    ...effect.answers.map(([name, before, after]) => {
      const row = document.createElement("tr");
      const changed = Math.abs(after - before) >= 0.005 ? "more" : "";
      row.append(element("td", "", name), element("td", "", percent(before)), element("td", "", "→"), element("td", changed, percent(after)));
      return row;
    }),
  );
}

function writeHead(wall) {
  const { meta, find, cell } = wall;
  const { labels } = meta;
  const multiple = wall.largest[cell] * meta.tokens;
  find(".which").textContent = wall.nameOf(cell);
  find(".number").textContent = statisticOf(wall, cell);
  find(".share").textContent = fill(labels.largest, { share: percent(wall.largest[cell]), times: times(multiple) });
  find(".pin").textContent = wall.pinned.includes(cell) ? labels.unpin : labels.pin;
  find(".turn").textContent = wall.off.has(cell) ? labels.switch_on : labels.switch_off;
  find(".turn").setAttribute("aria-pressed", wall.off.has(cell));
  find(".open").textContent = labels.open;
  const [layer, head] = wall.place(cell);
  for (const node of wall.app.querySelectorAll(".axis")) {
    node.classList.toggle("current", node.dataset.layer === String(layer) || node.dataset.head === String(head));
  }
  clearTimeout(wall.speaking);
  wall.speaking = setTimeout(() => {
    const at = wall.strongest[cell];
    const place = fill(labels.patch, { row: Math.floor(at / meta.columns) + 1, column: (at % meta.columns) + 1 });
    const state = wall.off.has(cell) ? `, ${labels.is_off}` : "";
    find(".live").textContent = `${find(".readout").innerText.replace(/\s+/g, " ")}, ${place}${state}`;
  }, 250);
}

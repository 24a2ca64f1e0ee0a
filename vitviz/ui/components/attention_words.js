// Words and numbers of the attention viewer: labels, chips, small maps' captions, the readout, the spoken summary.

function writeLabels(viewer) {
  const { meta, find } = viewer;
  const { labels } = meta;
  const write = (selector, text) => (find(selector).textContent = text);
  write(".special-title", meta.prefix.length ? labels.special : labels.no_special);
  for (const name of ["scale", "palette", "opacity"]) write(`.${name}-title`, labels[name]);
  write(".hide-title", labels.hide_special);
  write(".interpolate-title", labels.interpolate);
  write(".strongest-name", labels.strongest);
  write(".pointer-name", labels.pointer);
  write(".hint", hintOf(labels));
  write(".keys", labels.keys);
  find(".scrub").setAttribute("aria-label", labels.scrub);
  find(".photo").setAttribute("aria-label", labels.photo);
  find(".photo").setAttribute("aria-describedby", "vitviz-keys");
  find(".chips").setAttribute("aria-label", labels.special);
  find(".tiles").setAttribute("aria-label", labels.head);
  find(".stepper").hidden = meta.standalone;
  find(".previous").setAttribute("aria-label", labels.previous_layer);
  find(".next").setAttribute("aria-label", labels.next_layer);
  find(".hide").closest("label").hidden = !meta.prefix.length;
  viewer.app.style.setProperty("--aspect", meta.width / meta.height);
  writeSegments(viewer);
  writeChoices(viewer);
}

function writeSegments({ meta, find }) {
  const { labels } = meta;
  const options = (names, prefix = "") => names.map((name) => [name, labels[prefix + name]]);
  const scales = ["map", "layer", ...(meta.modelMaximum === null ? [] : ["model"]), "absolute"];
  segments(find(".direction"), labels.direction, options(["attends_to", "attended_by"]));
  segments(find(".scale"), labels.scale, options(scales, "scale_"));
  segments(find(".palette"), labels.palette, options(meta.palettes.map(({ name }) => name), "palette_"));
}

/** Show the state in every control. */
function writeChoices(viewer) {
  const { state, meta, find } = viewer;
  const { labels } = meta;
  for (const name of ["direction", "scale", "palette"]) checkRadio(find(`.${name}`), state[name]);
  checkRadio(find(".tiles"), state.head);
  find(".opacity").value = Math.round(100 * state.opacity);
  find(".opacity-value").textContent = `${Math.round(100 * state.opacity)}%`;
  find(".hide").checked = state.hide_special;
  find(".interpolate").checked = state.interpolate;
  const name = fill(labels.layer_name, { layer: state.layer });
  find(".layer").replaceChildren(
    element("strong", "", name),
    element("span", "quiet", fill(labels.layer_range, { last: meta.layers - 1 })),
  );
  find(".previous").disabled = state.layer === 0;
  find(".next").disabled = state.layer === meta.layers - 1;
  viewer.film.write();
  const column = state.direction === "attended_by";
  find(".query-name").textContent = column ? labels.key : labels.query;
  find(".special-name").textContent = column ? labels.special_share_by : labels.special_share_to;
}

/** "class" or "register 2" in the reader's language, or "row 3, column 5". */
function describe({ meta }, token) {
  const { labels, prefix, columns } = meta;
  if (token >= prefix.length) {
    const patch = token - prefix.length;
    return fill(labels.patch, { row: Math.floor(patch / columns) + 1, column: (patch % columns) + 1 });
  }
  const [, word, number] = prefix[token].match(/^(.*?)(?: (\d+))?$/);
  return word in labels ? fill(labels[word], { number: number ?? "" }).trim() : prefix[token];
}

function headName(viewer, head) {
  const { labels, names } = viewer.meta;
  if (names.length) return names[head];
  return head === "mean" || head === "max" ? labels[head] : fill(labels.head_name, { layer: viewer.layer, head });
}

function buildChips(viewer) {
  const { meta } = viewer;
  const chips = viewer.find(".chips");
  if (chips.childElementCount === meta.prefix.length) {
    [...chips.children].forEach((chip, token) => (chip.children[1].textContent = describe(viewer, token)));
    return; // the same buttons, so that focus stays
  }
  chips.replaceChildren(
    ...meta.prefix.map((_, token) => {
      const chip = element("button", "chip");
      chip.type = "button";
      chip.dataset.token = token;
      chip.append(element("i"), element("span", "", describe(viewer, token)), element("output"));
      return chip;
    }),
  );
}

function buildTiles(viewer) {
  const numbers = Array.from({ length: viewer.meta.heads }, (_, head) => head);
  const heads = viewer.meta.names.length ? numbers : ["mean", "max", ...numbers]; // named maps are not heads to average
  const same = viewer.tiles.map(({ head }) => head).join() === heads.join()
    && viewer.tiles[0].painter.rows === viewer.meta.rows && viewer.tiles[0].painter.columns === viewer.meta.columns;
  if (!same) {
    viewer.tiles = heads.map((head) => buildTile(viewer, head));
    viewer.find(".tiles").replaceChildren(...viewer.tiles.map(({ button }) => button));
  }
  for (const { head, name } of viewer.tiles) name.textContent = headName(viewer, head);
  checkRadio(viewer.find(".tiles"), viewer.state.head);
}

function buildTile({ meta }, head) {
  const button = element("button", "tile");
  button.type = "button";
  button.dataset.value = head;
  button.setAttribute("role", "radio");
  const canvas = element("canvas");
  const caption = element("span", "caption");
  const name = element("span", "name");
  const value = element("span", "value");
  caption.append(name, value);
  button.append(canvas, caption);
  return { head, button, canvas, name, value, painter: new MapPainter(meta.rows, meta.columns), scaled: null };
}

/** Every number that depends on the token or the pointer. */
function writeNumbers(viewer) {
  const { meta, state } = viewer;
  const special = meta.prefix.length;
  const values = viewer.map(state.head);
  const reading = viewer.pointer;
  for (const { head, name, value } of viewer.tiles) {
    const weights = viewer.map(head);
    name.textContent = headName(viewer, head);
    value.textContent =
      reading === null ? `≤ ${percent(range(weights, special, meta.tokens)[1])}` : percent(weights[special + reading]);
  }
  writeChips(viewer, values);
  writeLegend(viewer, values);
  writeReadout(viewer, values);
  clearTimeout(viewer.speaking);
  viewer.speaking = setTimeout(() => speak(viewer), 250);
}

function writeChips(viewer, values) {
  const top = viewer.top(true);
  const chips = viewer.find(".chips").children;
  for (let token = 0; token < chips.length; token++) {
    const [swatch, , output] = chips[token].children;
    const pixel = viewer.table[Math.min(255, Math.round((255 * values[token]) / top))];
    swatch.style.background = `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
    output.textContent = percent(values[token]);
    chips[token].setAttribute("aria-pressed", viewer.tokenOf(viewer.state.query) === token);
    chips[token].classList.toggle("shown", viewer.token === token);
  }
}

/** The colour bar from 0 to its largest weight, with ticks at the map's own extremes and at the uniform share. */
function writeLegend(viewer, values) {
  const { meta, find } = viewer;
  const top = viewer.top(true);
  const [low, high] = range(values, meta.prefix.length, meta.tokens);
  writeScales(viewer);
  const bar = find(".bar canvas").getContext("2d");
  const image = bar.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(viewer.table);
  bar.putImageData(image, 0, 0);
  find(".low").textContent = "0";
  find(".high").textContent = percent(top);
  const marks = { minimum: low, uniform: 1 / meta.tokens, maximum: high };
  for (const [name, value] of Object.entries(marks)) {
    const label = fill(meta.labels[name], { tokens: meta.tokens });
    find(`.tick.${name}`).style.left = `${100 * Math.min(1, value / top)}%`;
    find(`.marks .${name}`).replaceChildren(element("span", "quiet", label), element("b", "", percent(value)));
  }
}

/** Whether the small maps and the large one can be compared: their scales, where they are not the same. */
function writeScales(viewer) {
  const { labels } = viewer.meta;
  const [large, small] = [viewer.top(true), viewer.top(false)].map(percent);
  const words = large === small ? labels.scales_alike : labels.scales_differ;
  viewer.find(".scales").textContent = fill(words, { large, small });
}

function writeReadout(viewer, values) {
  const { meta, find } = viewer;
  const special = meta.prefix.length;
  const weigh = (token) => {
    const multiple = fill(meta.labels.times_uniform, { times: times(values[token] * meta.tokens) });
    return `${percent(values[token])} · ${multiple}`;
  };
  const write = (selector, first, second) =>
    find(selector).replaceChildren(element("b", "", first), element("span", "quiet", second));
  const strongest = topPatches(viewer, values, 1)[0];
  write(".query-value", describe(viewer, viewer.token), headName(viewer, viewer.state.head));
  write(".strongest-value", weigh(strongest), describe(viewer, strongest));
  if (viewer.pointer === null) write(".pointer-value", "–", "");
  else write(".pointer-value", weigh(special + viewer.pointer), describe(viewer, special + viewer.pointer));
  write(".special-value", special ? percent(specialShare(viewer, values)) : "–", "");
}

/** The part of the map's total that lies on special tokens: of a row, or of all that a column receives. */
function specialShare({ meta }, values) {
  const total = values.reduce((sum, value) => sum + value, 0);
  const special = values.subarray(0, meta.prefix.length).reduce((sum, value) => sum + value, 0);
  return total ? special / total : 0;
}

/** The tokens of the patches with the largest weights, largest first. */
function topPatches({ meta }, values, count) {
  const best = [];
  for (let token = meta.prefix.length; token < meta.tokens; token++) {
    if (best.length === count && values[token] <= values[best[count - 1]]) continue;
    const at = best.findIndex((other) => values[other] < values[token]);
    best.splice(at < 0 ? best.length : at, 0, token);
    best.length = Math.min(best.length, count);
  }
  return best;
}

/** Say the same to a screen reader: what is shown, the three strongest patches, the share of the special tokens. */
function speak(viewer) {
  const { labels } = viewer.meta;
  const values = viewer.map(viewer.state.head);
  const top = topPatches(viewer, values, 3).map((token) => `${describe(viewer, token)} (${percent(values[token])})`);
  const words = viewer.state.direction === "attended_by" ? labels.summary_by : labels.summary_to;
  const query = `${headName(viewer, viewer.state.head)}: ${describe(viewer, viewer.token)}`;
  const text = fill(words, { query, top: top.join("; "), special: percent(specialShare(viewer, values)) });
  viewer.find(".live").textContent = text;
}

function writeProgress(viewer) {
  const { normalised, heads, tokens } = viewer.rows;
  const done = Math.floor((100 * normalised) / (heads * tokens));
  viewer.find(".live").textContent = "";
  viewer.find(".pointer-value").replaceChildren(
    element("b", "", fill(viewer.meta.labels.preparing, { percent: done })),
  );
}

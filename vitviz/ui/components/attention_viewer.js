// The attention viewer: state, events and the order of work. Nothing here asks the server while hovering.
//
// state     what is pinned and chosen; sent to Python as the state value "view" when the reader commits to it
// preview   the token under the pointer or the keyboard cursor, or null: shown instead of the pinned one
// pointer   the patch whose numbers are read, or null

class AttentionViewer {
  constructor(root) {
    this.root = root;
    this.app = root.querySelector(".viewer");
    this.find = (selector) => this.app.querySelector(selector);
    this.photoCanvas = this.find(".photo canvas");
    this.painter = null;
    this.preview = this.pointer = this.pendingLayer = this.image = null;
    this.shared = new SharedState();
    this.tiles = [];
    this.film = new LayerFilm(this);
    this.paintTimes = [];
    this.observer = new ResizeObserver(() => this.resize());
    bindPhoto(this);
    bindHeads(this);
    bindControls(this);
    this.app.attentionRow = (head) => Array.from(this.map(head).slice(0, this.meta.tokens)); // for tests
    this.app.paintTimes = () => this.paintTimes;
  }

  /** Take new data from Python: other arrays, another state, or both. Focus and preview stay. */
  receive(bytes) {
    const { meta, part } = unpack(bytes);
    const before = this.meta ?? {};
    meta.tokens = meta.prefix.length + meta.rows * meta.columns;
    this.meta = meta;
    const same = meta.rows === before.rows && meta.columns === before.columns && meta.heads === before.heads;
    this.adopt(same);
    if (meta.content !== before.content) this.load(part);
    this.film.receive(meta, part);
    if (!same) this.preview = this.pointer = null;
    writeLabels(this);
    buildChips(this);
    buildTiles(this);
    if (meta.photo !== before.photo) this.loadPhoto(part("photo", Uint8Array));
    this.observer.observe(this.app);
    this.resize();
    if (this.image) this.app.dataset.ready = meta.content;
  }

  /**
   * Keep the reader's choices unless Python sends a state with a new revision. Where the reader chose again before Python
   * had heard of it, and the tokens and heads are the same, the newer choices win: they are told once more.
   */
  adopt(same) {
    const { meta } = this;
    const whose = this.shared.receive(meta, same);
    if (whose === "wanted") {
      this.state = { ...meta.state };
      this.preview = null;
    }
    if (this.state.scale === "model" && meta.modelMaximum === null) this.state.scale = "map";
    if (this.pendingLayer === meta.layer) this.pendingLayer = null;
    this.state.layer = this.film.layer ?? this.pendingLayer ?? meta.layer;
    if (whose !== "kept") this.known = JSON.stringify(whose === "newer" ? meta.state : this.state);
    this.know({ scale: this.state.scale, layer: meta.layer }); // others, such as the opacity, may not have been sent yet
    if (whose === "newer") this.commit();
  }

  /** Note that Python has these choices. */
  know(choices) {
    this.known = JSON.stringify({ ...JSON.parse(this.known), ...choices });
  }

  load(part) {
    const { meta } = this;
    const names = meta.channels ? ["queries", "keys"] : ["maps"];
    const arrays = Object.fromEntries(names.map((name) => [name, part(name, Float32Array)]));
    this.rows = new AttentionRows(meta, arrays);
    this.mean = new Float32Array(meta.tokens);
    this.max = new Float32Array(meta.tokens);
    this.tables = Object.fromEntries(
      meta.palettes.map(({ name }) => [name, colourTable(part(`palette ${name}`, Uint8Array))]),
    );
    this.painter = new MapPainter(meta.rows, meta.columns);
  }

  async loadPhoto(bytes) {
    const wanted = this.meta.photo;
    try {
      const image = await createImageBitmap(new Blob([bytes]));
      if (wanted !== this.meta.photo) return; // a newer photo came meanwhile
      this.image = image;
    } catch {
      this.image = null; // the maps are still right without the photo
    }
    this.scaled = null;
    for (const tile of this.tiles) tile.scaled = null;
    this.repaint();
    this.app.dataset.ready = this.meta.content;
  }

  /** The token that is shown now. */
  get token() {
    return this.preview ?? this.tokenOf(this.state.query);
  }

  get table() {
    return this.tables[this.state.palette];
  }

  get darkens() {
    return this.meta.palettes.find(({ name }) => name === this.state.palette).darkens;
  }

  tokenOf(name) {
    const special = this.meta.prefix.indexOf(name);
    return special >= 0 ? special : this.meta.prefix.length + Number(name);
  }

  nameOf(token) {
    const special = this.meta.prefix.length;
    return token < special ? this.meta.prefix[token] : String(token - special);
  }

  /** The patch of a token, or null for a special token. */
  patchOf(token) {
    const patch = token - this.meta.prefix.length;
    return patch >= 0 ? patch : null;
  }

  /** The layer whose maps are on show. */
  get layer() {
    return this.film.weights ? this.film.layer : this.meta.layer;
  }

  /** The weights of one head, "mean" or "max" at the present token: (token). */
  map(head) {
    if (head === "mean") return this.mean;
    if (head === "max") return this.max;
    const start = head * this.meta.tokens;
    return this.weights.subarray(start, start + this.meta.tokens);
  }

  /** Compute every head's weights at the present token; false while the normalisers are still being computed. */
  compute() {
    const { rows, meta, state } = this;
    const column = state.direction === "attended_by";
    const { weights: filmed } = this.film;
    if (!filmed && column && !rows.normalise(12)) return false;
    const weights = (this.weights = filmed ?? (column ? rows.attendedBy(this.token) : rows.attendsTo(this.token)));
    meanOverHeads(weights, meta.heads, meta.tokens, this.mean);
    maxOverHeads(weights, meta.heads, meta.tokens, this.max);
    const first = state.hide_special ? meta.prefix.length : 0;
    this.layerTop = range(this.max, first, meta.tokens)[1] || 1;
    this.mapTop = range(this.map(state.head), first, meta.tokens)[1] || 1;
    return true;
  }

  /** The weight that has the last colour. Small maps never have a scale each: a flat head would look sharp. */
  top(large) {
    const { scale } = this.state;
    if (scale === "absolute") return 1;
    if (scale === "model") return this.meta.modelMaximum;
    return scale === "map" && large ? this.mapTop : this.layerTop;
  }

  repaint() {
    if (!this.rows) return;
    const start = performance.now();
    const done = this.compute();
    this.app.setAttribute("aria-busy", !done || this.pendingLayer !== null);
    if (!done) {
      writeProgress(this);
      this.prepare();
      return;
    }
    paintPhoto(this);
    for (const tile of this.tiles) paintTile(this, tile);
    writeNumbers(this);
    this.writeData();
    this.paintTimes.push(performance.now() - start);
    if (this.paintTimes.length > 500) this.paintTimes.shift();
  }

  /** Compute the normalisers in slices short enough to leave the page alive, then repaint. */
  prepare() {
    const { rows } = this;
    clearTimeout(this.preparing);
    const slice = () => {
      if (rows !== this.rows) return; // a new layer came: its own normalisers are asked for when needed
      const done = rows.normalise(10);
      const wanted = this.state.direction === "attended_by";
      if (wanted && !done) writeProgress(this);
      if (!done) this.preparing = setTimeout(slice, 0);
      else if (wanted) this.repaint();
    };
    this.preparing = setTimeout(slice, 0);
  }

  /** What is shown, as attributes: for styles, for tests and for anybody who inspects the page. */
  writeData() {
    const { app, state } = this;
    app.dataset.query = state.query;
    app.dataset.head = state.head;
    app.dataset.layer = this.layer;
    app.dataset.hover = this.preview === null ? "" : this.nameOf(this.preview);
    app.dataset.direction = state.direction;
  }

  resize() {
    if (!this.meta) return;
    layoutTiles(this);
    fitCanvas(this.photoCanvas);
    for (const tile of this.tiles) fitCanvas(tile.canvas);
    this.repaint();
  }

  /** Show another token, or the pinned one (null), without telling Python. */
  show(token, pointer = this.pointer) {
    const query = this.film.weights ? null : token; // of another layer only the pinned token's maps are here
    if (query === this.preview && pointer === this.pointer) return;
    this.preview = query;
    this.pointer = pointer;
    this.repaint();
  }

  pin(token) {
    this.change({ query: this.nameOf(token) });
  }

  /** Change choices, repaint, and tell Python: now, or after so many milliseconds without a further change. */
  change(choices, delay = 0) {
    if (choices.query ?? choices.direction) this.film.hold();
    Object.assign(this.state, choices);
    writeChoices(this);
    this.repaint();
    clearTimeout(this.sending);
    if (delay) this.sending = setTimeout(() => this.commit(), delay);
    else this.commit();
  }

  commit() {
    const text = JSON.stringify(this.state);
    if (text === this.known) return; // the same value would run the script again for nothing
    this.known = text;
    this.shared.tell(this.say, this.state);
  }

  changeOpacity(step) {
    const opacity = Math.round(100 * this.state.opacity + step) / 100;
    this.change({ opacity: Math.min(1, Math.max(0, opacity)) }, 250);
  }

  /** Go to another layer: at once where the film has it, else the picture stays until its data come. */
  stepLayer(step) {
    const { meta, film } = this;
    if (meta.standalone) return;
    const layer = this.state.layer + step;
    if (layer < 0 || layer >= meta.layers) return;
    if (film.ready) film.scrub(layer);
    else this.askLayer(layer);
  }

  askLayer(layer, delay = 0) {
    this.pendingLayer = layer === this.meta.layer ? null : layer;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.stopWaiting(), 10000);
    this.change({ layer }, delay);
  }

  /** Python did not answer with that layer: say again which layer is shown. */
  stopWaiting() {
    if (this.pendingLayer === null) return;
    this.pendingLayer = null;
    this.film.stop();
    this.state.layer = this.meta.layer;
    this.know({ layer: this.meta.layer });
    writeChoices(this);
    this.repaint();
  }

  dispose() {
    this.observer.disconnect();
    this.film.stop();
    clearTimeout(this.preparing);
    clearTimeout(this.waiting);
    clearTimeout(this.speaking);
  }
}

const viewers = new WeakMap(); // root of an instance → its viewer; Streamlit calls mount again at all new data

function mount({ data, parentElement, say }) {
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = new AttentionViewer(parentElement);
    viewers.set(parentElement, viewer);
  }
  viewer.say = say;
  viewer.receive(data);
  pageKeys(viewer.app, viewerKeys(viewer));
  return () => viewer.dispose();
}

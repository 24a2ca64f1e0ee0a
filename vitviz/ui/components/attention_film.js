// The film of the layers: where every head of every layer looks from the pinned token, played and scrubbed in the browser.
// Python hears of a layer when the film stops there: its queries and keys are needed to hover.

const LAYER_STEP = 700; // milliseconds a layer

class LayerFilm {
  constructor(viewer) {
    this.viewer = viewer;
    this.layer = null; // the layer on show, or null where the viewer's own data are shown
    this.player = new Player({
      app: viewer.app,
      step: () => this.show(this.at + 1),
      rewind: () => this.show(0),
      ended: () => !this.ready || this.at === this.last,
      changed: () => (this.player.playing ? this.write() : this.settle(this.player.still.matches ? 250 : 0)),
      beat: () => LAYER_STEP,
    });
    const scrub = viewer.find(".scrub");
    viewer.find(".play").addEventListener("click", () => this.play());
    scrub.addEventListener("input", () => this.scrub(Number(scrub.value)));
  }

  /** Take the maps that came with new data: (layer, head, token) of one query and direction, or none. */
  receive(meta, part) {
    this.meta = meta.film;
    this.size = meta.heads * meta.tokens;
    this.maps = meta.film ? part("film", Float32Array) : null;
    if (this.layer === meta.layer && !this.player.playing) this.layer = null;
    if (!this.ready) this.hold();
    this.write();
  }

  /** Whether the film is of what is pinned now; after a pin Python sends another. */
  get ready() {
    const { state } = this.viewer;
    return Boolean(this.meta) && this.meta.query === state.query && this.meta.direction === state.direction;
  }

  /** The weights of all heads in the layer on show, (head, token), or null where the viewer computes its own. */
  get weights() {
    if (this.layer === null || !this.ready) return null;
    return this.maps.subarray(this.layer * this.size, (this.layer + 1) * this.size);
  }

  get last() {
    return this.viewer.meta.layers - 1;
  }

  get at() {
    return this.layer ?? this.viewer.state.layer;
  }

  /** Show a layer without telling Python. */
  show(layer) {
    const { viewer } = this;
    this.layer = layer === viewer.meta.layer ? null : layer;
    viewer.state.layer = layer;
    viewer.preview = null;
    writeChoices(viewer);
    viewer.repaint();
  }

  play() {
    if (this.ready) this.player.press();
  }

  scrub(layer) {
    this.player.drop();
    if (this.ready) this.show(layer);
    this.settle(250);
  }

  /** Stop here and ask Python for this layer, now or after so many milliseconds without another move. */
  settle(wait = 0) {
    const { viewer, at } = this;
    this.player.drop();
    viewer.pendingLayer = null;
    viewer.askLayer(at, wait);
    this.write();
  }

  /** Stop, as another token or direction is asked for; the layer on show is wanted from Python with it. */
  hold() {
    const { viewer, layer } = this;
    this.stop();
    if (layer !== null) viewer.pendingLayer = layer === viewer.meta.layer ? null : layer;
  }

  /** Stop and go back to the viewer's own data. */
  stop() {
    this.player.drop();
    this.layer = null;
  }

  write() {
    const { viewer, player, at, last } = this;
    const { labels } = viewer.meta;
    viewer.find(".layer-film").hidden = !this.meta;
    viewer.find(".play").disabled = !this.ready;
    player.write(viewer.find(".play"), labels);
    Object.assign(viewer.find(".scrub"), { max: last, value: at, disabled: !this.ready });
    viewer.find(".scrub").setAttribute("aria-valuetext", fill(labels.layer_name, { layer: at }));
    viewer.app.dataset.playing = player.playing;
  }
}

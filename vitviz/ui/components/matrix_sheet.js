// A calculation over small matrices, stage by stage: the left operand stands beside the result, the right one above it,
// so that the row and the column that meet in a cell can be seen. All numbers come with the data; pointing, stepping and
// playing stay in the browser, and what is typed over is sent.

const BEAT = 1100; // milliseconds a cell while it plays

class MatrixSheet {
  constructor(root) {
    this.app = root.querySelector(".sheet");
    this.find = (selector) => this.app.querySelector(selector);
    this.row = 0;
    this.column = 0;
    this.player = new Player({
      app: this.app,
      step: () => this.step(1),
      rewind: () => this.open(0),
      ended: () => this.ended,
      changed: () => this.light(),
      beat: () => BEAT,
    });
    this.observer = new ResizeObserver(() => this.meta && this.fit());
    bindSheet(this);
  }

  receive(bytes) {
    const { meta } = unpack(bytes);
    if (meta.structure !== this.meta?.structure || meta.stage !== this.meta?.stage) {
      if (meta.structure !== this.meta?.structure) this.row = this.column = 0;
      this.at = meta.stage;
      this.built = null;
    }
    this.meta = meta;
    this.matrices = Object.fromEntries(meta.matrices.map((matrix) => [matrix.id, matrix]));
    this.observer.observe(this.app);
    this.draw();
    this.app.dataset.ready = meta.content;
  }

  get stage() {
    return this.meta.stages[this.at];
  }

  /** Whether the last cell of the last stage is on show. */
  get ended() {
    const { rows, columns } = this.result;
    const corner = this.row === rows.length - 1 && this.column === columns.length - 1;
    return corner && this.at === this.meta.stages.length - 1;
  }

  get left() {
    return this.matrices[this.stage.left];
  }

  get right() {
    return this.matrices[this.stage.right];
  }

  get result() {
    return this.matrices[this.stage.result];
  }

  /** Draw everything; the tables are built anew only for another stage or another structure, else they get numbers. */
  draw() {
    const name = `${this.meta.structure}|${this.at}`;
    if (this.built !== name) {
      buildSheet(this);
      this.built = name;
    } else {
      for (const [id, tables] of this.tables) tables.forEach((table) => writeNumbers(table, this.matrices[id]));
    }
    this.fit();
    this.find(".words").textContent = this.stage.words;
    this.find(".equation").textContent = this.stage.equation;
    this.light();
  }

  /** Light up the cell and what it is made of, and write its sum out. */
  light() {
    const { stage, row, column } = this;
    const kind = KINDS[stage.kind];
    const leftOf = kind.left(row, column, this);
    const rightOf = kind.right?.(row, column, this);
    lightUp(this.benchTables.left, (r, c) => leftOf(r, c) && "lit-left");
    if (this.benchTables.right) lightUp(this.benchTables.right, (r, c) => rightOf(r, c) && "lit-right");
    lightUp(this.benchTables.result, (r, c) => r === row && c === column && "lit");
    const { result } = this;
    const name = `${result.symbol}[${result.rows[row]}, ${result.columns[column]}] = `;
    const value = element("b", "", decimals(result.values[row][column], 3));
    this.find(".sum").replaceChildren(name, ...kind.write(this, row, column), value);
    const cells = result.rows.length * result.columns.length;
    const number = row * result.columns.length + column + 1;
    this.find(".place").textContent = fill(this.meta.labels.place, { number, cells });
    if (stage.graph) {
      const [second, first] = [this.matrices[stage.left], this.matrices[stage.right]];
      drawPaths(this.find(".paths"), { first, second, graph: stage.graph }, row, column);
    }
    Object.assign(this.app.dataset, { stage: this.at, row, column, playing: this.player.playing });
    this.player.write(this.find(".play"), this.meta.labels);
  }

  /** Stack the matrices where they are too wide to stand beside each other. */
  fit() {
    const bench = this.find(".bench");
    bench.classList.remove("stacked");
    bench.classList.toggle("stacked", bench.scrollWidth > bench.clientWidth + 1);
  }

  choose(row, column) {
    this.row = row;
    this.column = column;
    this.light();
  }

  open(at) {
    this.at = at;
    this.row = this.column = 0;
    this.draw();
  }

  /** Go on by one cell, past the end to the next stage; return whether there was one. */
  step(by) {
    const { rows, columns } = this.result;
    const next = this.row * columns.length + this.column + by;
    if (next >= 0 && next < rows.length * columns.length) {
      this.choose(Math.floor(next / columns.length), next % columns.length);
    } else if (this.meta.stages[this.at + by]) {
      this.open(this.at + by);
      if (by < 0) this.choose(this.result.rows.length - 1, this.result.columns.length - 1);
    } else return false;
    return true;
  }

  speak() {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => (this.find(".live").textContent = this.find(".sum").textContent), 250);
  }

  dispose() {
    this.observer.disconnect();
    this.player.drop();
    clearTimeout(this.speaking);
  }
}

function buildSheet(sheet) {
  const { meta, stage } = sheet;
  const { labels } = meta;
  sheet.tables = new Map();
  segments(sheet.find(".stages"), labels.stages, meta.stages.map(({ title }, place) => [String(place), title]));
  checkRadio(sheet.find(".stages"), sheet.at);
  sheet.find(".hint").textContent = hintOf(labels);
  sheet.find(".back").textContent = "◀";
  sheet.find(".back").setAttribute("aria-label", labels.back);
  sheet.find(".on").textContent = "▶|";
  sheet.find(".on").setAttribute("aria-label", labels.next);
  const table = (id, options = {}) => {
    const built = matrixTable(sheet.matrices[id], { edit: (row, column, value) => {
      sheet.send("edited", { matrix: id, row, column, value });
    }, ...options });
    sheet.tables.set(id, [...(sheet.tables.get(id) ?? []), built]);
    return built;
  };
  const left = table(stage.left);
  const result = table(stage.result, { result: true, edit: null });
  result.tabIndex = 0;
  result.setAttribute("aria-label", `${sheet.result.title}. ${labels.keys}`);
  const right = stage.right ? table(stage.right) : null;
  sheet.benchTables = { left, right, result };
  const equation = element("div", "equation");
  sheet.find(".bench").replaceChildren(...(right ? [equation, right, left, result] : [equation, element("div", "space"), left, result]));
  sheet.find(".paths").toggleAttribute("hidden", !stage.graph);
  sheet.find(".minis").replaceChildren(...meta.matrices.map((matrix) => mini(sheet, matrix)));
}

/** A small copy of a matrix; a click on a result opens its stage. */
function mini(sheet, matrix) {
  const built = matrixTable(matrix, { mini: true });
  sheet.tables.set(matrix.id, [...(sheet.tables.get(matrix.id) ?? []), built]);
  const at = sheet.meta.stages.findIndex(({ result }) => result === matrix.id);
  if (at < 0) return built;
  const button = element("button", "open");
  button.type = "button";
  button.setAttribute("aria-label", sheet.meta.stages[at].title);
  if (at === sheet.at) button.setAttribute("aria-current", "true");
  button.append(built);
  button.addEventListener("click", () => chooseStage(sheet, at));
  return button;
}

/** The reader's choice of a stage goes into the link; playing through them does not. */
function chooseStage(sheet, at) {
  sheet.player.drop();
  sheet.open(at);
  sheet.meta.stage = at; // so that its echo changes nothing
  sheet.send("stage", { stage: at });
}

function bindSheet(sheet) {
  const bench = sheet.find(".bench");
  const cellOf = (event) => {
    const cell = event.target.closest(".result td");
    return cell && [Number(cell.dataset.row), Number(cell.dataset.column)];
  };
  for (const kind of ["pointerover", "click"]) {
    bench.addEventListener(kind, (event) => {
      const cell = cellOf(event);
      if (!cell) return;
      if (sheet.player.playing) sheet.player.stop();
      sheet.choose(...cell);
    });
  }
  bench.addEventListener("keydown", (event) => {
    if (!event.target.classList.contains("result")) return;
    const { rows, columns } = sheet.result;
    const place = sheet.row * columns.length + sheet.column;
    const moved = movedPatch(event.key, place, { rows: rows.length, columns: columns.length });
    if (moved !== null) sheet.choose(Math.floor(moved / columns.length), moved % columns.length);
    else if (event.key === " ") sheet.player.press();
    else return;
    sheet.speak();
    event.preventDefault();
  });
  sheet.find(".play").addEventListener("click", () => sheet.player.press());
  for (const [name, by] of [[".back", -1], [".on", 1]]) {
    sheet.find(name).addEventListener("click", () => stepSheet(sheet, by));
  }
  radioKeys(sheet.find(".stages"), (value) => chooseStage(sheet, Number(value)));
}

function stepSheet(sheet, by) {
  sheet.player.drop();
  sheet.step(by);
  sheet.speak();
}

const sheets = new WeakMap(); // root of an instance → its sheet

function mount({ data, parentElement, say }) {
  let sheet = sheets.get(parentElement);
  if (!sheet) {
    sheet = new MatrixSheet(parentElement);
    sheets.set(parentElement, sheet);
  }
  sheet.send = say;
  sheet.receive(data);
  pageKeys(sheet.app, playerKeys(sheet.app, { press: () => sheet.player.press(), step: (by) => stepSheet(sheet, by) }));
  return () => sheet.dispose();
}

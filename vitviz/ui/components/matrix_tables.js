// Small matrices as tables whose numbers can be read, pointed at and, where they are the reader's, typed over.

const BLUE = "#2b7bba";
const AMBER = "#e07b00";

/** A number in two decimals, with a true minus and no minus before zero. */
function two(value) {
  return decimals(value, 2);
}

function decimals(value, digits) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** Build the table of a matrix; cells that can be edited call ``edit(row, column, value)``. */
function matrixTable(matrix, { mini = false, result = false, edit = null } = {}) {
  const table = element("table", `matrix${result ? " result" : ""}`);
  const caption = element("caption", "", matrix.symbol);
  if (!mini) caption.append(element("span", "quiet", ` ${matrix.title}`));
  const head = element("tr");
  head.append(element("th", "name"), ...matrix.columns.map((name) => element("th", "", name)));
  head.querySelectorAll("th").forEach((cell, place) => place && (cell.scope = "col"));
  table.append(caption, head);
  matrix.rows.forEach((name, row) => {
    const line = element("tr");
    const title = element("th", "name", name);
    title.scope = "row";
    line.append(title, ...matrix.columns.map((_, column) => matrixCell(matrix, row, column, edit)));
    table.append(line);
  });
  writeNumbers(table, matrix);
  return table;
}

function matrixCell(matrix, row, column, edit) {
  const cell = element("td");
  cell.dataset.row = row;
  cell.dataset.column = column;
  if (!edit || !matrix.editable) return cell;
  const input = element("input");
  Object.assign(input, { type: "number", step: matrix.step, min: matrix.low, max: matrix.high });
  input.setAttribute("aria-label", `${matrix.symbol} ${matrix.rows[row]}, ${matrix.columns[column]}`);
  input.addEventListener("change", () => {
    const value = Math.min(matrix.high, Math.max(matrix.low, Number(input.value) || 0));
    edit(row, column, value);
  });
  cell.append(input);
  return cell;
}

/** Write a matrix's numbers and colours into its table. */
function writeNumbers(table, matrix) {
  const largest = matrix.scale === "share" ? 1 : Math.max(1e-9, ...matrix.values.flat().map(Math.abs));
  for (const cell of table.querySelectorAll("td")) {
    const value = matrix.values[cell.dataset.row][cell.dataset.column];
    cell.style.setProperty("--tint", value < 0 ? AMBER : BLUE);
    cell.style.setProperty("--much", `${Math.round((48 * Math.abs(value)) / largest)}%`);
    const input = cell.firstElementChild;
    if (!input) cell.textContent = two(value);
    else input.value = String(Number(value.toFixed(3)));
  }
}

/** Light cells up: ``which(row, column)`` is the class of each, or nothing. */
function lightUp(table, which) {
  for (const cell of table.querySelectorAll("td")) {
    cell.className = which(Number(cell.dataset.row), Number(cell.dataset.column)) || "";
  }
}

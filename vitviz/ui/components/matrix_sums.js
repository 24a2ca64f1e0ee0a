// How one cell of a stage comes about: which cells it is made of, and its sum written out.

/** The kinds of a stage: cells of the left and right operand that the cell (row, column) needs, and its terms. */
const KINDS = {
  product: {
    left: (row) => (r) => r === row,
    right: (_row, column) => (_r, c) => c === column,
    write: writeProduct,
  },
  scale: {
    left: (row, column) => (r, c) => r === row && c === column,
    write: (sheet, row, column) => [
      tinted("left", two(sheet.left.values[row][column])),
      ` ${sheet.stage.operator} ${sheet.stage.factor_text} = `,
    ],
  },
  softmax: {
    left: (row) => (r) => r === row,
    write: writeSoftmax,
  },
  blend: {
    left: (row, column) => (r, c) => r === row && c === column,
    write: (sheet, row, column) => {
      const { factor } = sheet.stage;
      const own = row === column ? "1" : "0";
      return [`${two(1 - factor)} · `, tinted("left", two(sheet.left.values[row][column])), ` + ${two(factor)} · ${own} = `];
    },
  },
  add: {
    left: (row, column) => (r, c) => r === row && c === column,
    right: (row, column) => (r, c) => r === row && c === column,
    write: (sheet, row, column) => [
      tinted("left", two(sheet.left.values[row][column])),
      " + ",
      tinted("right", two(sheet.right.values[row][column])),
      " = ",
    ],
  },
  join: {
    left: (row, column, sheet) => (r, c) => r === row && c === column && column < sheet.left.columns.length,
    right: (row, column, sheet) => (r, c) => r === row && c === column - sheet.left.columns.length,
    write: (sheet, _row, column) => {
      const first = column < sheet.left.columns.length;
      return [tinted(first ? "left" : "right", (first ? sheet.left : sheet.right).symbol), " → "];
    },
  },
  function: {
    left: (row, column) => (r, c) => r === row && c === column,
    write: (sheet, row, column) => [
      `${sheet.stage.operator}(`,
      tinted("left", decimals(sheet.left.values[row][column], 3)),
      ") = ",
    ],
  },
};

function tinted(side, text) {
  return element("span", `of-${side}`, text);
}

function writeProduct(sheet, row, column) {
  const parts = [];
  sheet.left.columns.forEach((_, inner) => {
    if (inner) parts.push(" + ");
    const factor = sheet.right.values[inner][column];
    parts.push(tinted("left", two(sheet.left.values[row][inner])), "·", tinted("right", bracketed(factor)));
  });
  const rest = sheet.stage.rest?.[row]?.[column];
  if (rest !== undefined) parts.push(` + ${bracketed(rest)} (${sheet.stage.rest_text})`);
  return [...parts, " = "];
}

function bracketed(value) {
  return value < 0 && two(value) !== "0.00" ? `(${two(value)})` : two(value);
}

function writeSoftmax(sheet, row, column) {
  const { shift } = sheet.stage; // 0 but for scores whose exponential would be too large to write
  const numbers = sheet.left.values[row].map((number) => number - shift);
  const parts = [tinted("left", `e^${two(numbers[column])}`), " / ("];
  numbers.forEach((number, place) => parts.push(`${place ? " + " : ""}e^${bracketed(number)}`));
  const rest = sheet.stage.rest?.[row];
  let total = numbers.reduce((sum, number) => sum + Math.exp(number), 0);
  if (rest) {
    total += rest[0];
    parts.push(` + ${two(rest[0])} (${sheet.stage.rest_text})`);
  }
  return [...parts, `) = ${two(Math.exp(numbers[column]))} / ${two(total)} = `];
}

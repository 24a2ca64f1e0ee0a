// Two layers of attention as a picture: every path from an output token down to an input token, as wide as its weight.

const SVG = "http://www.w3.org/2000/svg";
const [PATH_WIDTH, PATH_HEIGHT, PATH_EDGE] = [330, 250, 44];

function shape(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

/** Draw the paths of row ``row`` of second · first; those that end in ``column`` stand out. */
function drawPaths(svg, { first, second, graph }, row, column) {
  const count = first.columns.length;
  svg.setAttribute("viewBox", `0 0 ${PATH_WIDTH} ${PATH_HEIGHT}`);
  svg.setAttribute("aria-label", graph.label);
  const x = (place) => PATH_EDGE + ((PATH_WIDTH - 2 * PATH_EDGE) * (place + 0.5)) / count + 20;
  const levels = [24, PATH_HEIGHT / 2, PATH_HEIGHT - 24]; // output, between, input
  const nodes = [];
  const edge = (from, to, level, weight, colour, opacity) => {
    if (weight < 0.004) return;
    const line = { x1: x(from), y1: levels[level], x2: x(to), y2: levels[level + 1], stroke: colour };
    nodes.push(shape("line", { ...line, "stroke-width": 1 + 11 * weight, "stroke-opacity": opacity, "stroke-linecap": "round" }));
  };
  for (let middle = 0; middle < count; middle++) {
    const upper = second.values[row][middle];
    for (let end = 0; end < count; end++) {
      const lit = column === end;
      edge(middle, end, 1, upper * first.values[middle][end], graph.colours[end], lit ? 1 : 0.3);
    }
    const share = column === null ? upper : upper * first.values[middle][column];
    edge(row, middle, 0, upper, "#888888", 0.35);
    if (column !== null) edge(row, middle, 0, share, graph.colours[column], 1);
  }
  levels.forEach((level, place) => {
    nodes.push(shape("text", { x: 2, y: level + 4 }, graph.names[place]));
    for (let token = 0; token < count; token++) {
      const own = place === 2 ? graph.colours[token] : place === 0 && token === row ? ORANGE : "#8a93a0";
      nodes.push(shape("circle", { cx: x(token), cy: level, r: 13, fill: own }));
      nodes.push(shape("text", { x: x(token), y: level + 4.5, "text-anchor": "middle", style: "fill: #fff; font-weight: 700" }, first.columns[token]));
    }
  });
  svg.replaceChildren(...nodes);
}

// Attention rows and columns of one layer, computed when they are asked for.
//
// Queries and keys are (head, token, channel); the queries carry the attention scale already, so a weight is
// softmax over the keys of query · key. Sums run in double precision, results are stored as float32.

class AttentionRows {
  constructor({ heads, tokens, channels }, { queries, keys, maps }) {
    Object.assign(this, { heads, tokens, channels, queries, keys, maps });
    this.weights = new Float32Array(heads * tokens); // (head, token): the row or column asked for last
    this.scores = new Float64Array(tokens);
    this.normalisers = maps ? null : new Float64Array(heads * tokens); // log of the sum of exp, one a row
    this.normalised = maps ? heads * tokens : 0; // rows whose normaliser is known
  }

  /** Where the token looks: (head, key), each head's weights summing to 1. */
  attendsTo(query) {
    for (let head = 0; head < this.heads; head++) this.row(head, query);
    return this.weights;
  }

  /** Who looks at the token: (head, query). Needs every row's normaliser: see normalise. */
  attendedBy(key) {
    for (let head = 0; head < this.heads; head++) this.column(head, key);
    return this.weights;
  }

  row(head, query) {
    const { tokens, weights, scores } = this;
    const start = head * tokens;
    if (this.maps) {
      const row = (start + query) * tokens;
      weights.set(this.maps.subarray(row, row + tokens), start);
      return;
    }
    const log = this.scoreRow(head, query);
    for (let key = 0; key < tokens; key++) weights[start + key] = Math.exp(scores[key] - log);
  }

  column(head, key) {
    const { tokens, weights, normalisers } = this;
    const start = head * tokens;
    for (let query = 0; query < tokens; query++) {
      weights[start + query] = this.maps
        ? this.maps[(start + query) * tokens + key]
        : Math.exp(this.score(head, query, key) - normalisers[start + query]);
    }
  }

  /** Fill this.scores with one row of scores and return the log of the sum of their exponentials. */
  scoreRow(head, query) {
    const { tokens, scores } = this;
    let largest = -Infinity;
    for (let key = 0; key < tokens; key++) {
      const score = this.score(head, query, key);
      scores[key] = score;
      if (score > largest) largest = score;
    }
    let sum = 0;
    for (let key = 0; key < tokens; key++) sum += Math.exp(scores[key] - largest);
    return largest + Math.log(sum);
  }

  /** The dot product of one query and one key, in four running sums: twice as fast as one. */
  score(head, query, key) {
    const { channels, queries, keys } = this;
    let i = (head * this.tokens + query) * channels;
    let j = (head * this.tokens + key) * channels;
    const end = i + channels;
    let a = 0, b = 0, c = 0, d = 0;
    for (; i + 3 < end; i += 4, j += 4) {
      a += queries[i] * keys[j];
      b += queries[i + 1] * keys[j + 1];
      c += queries[i + 2] * keys[j + 2];
      d += queries[i + 3] * keys[j + 3];
    }
    for (; i < end; i++, j++) a += queries[i] * keys[j];
    return a + b + (c + d);
  }

  /** Compute normalisers for about so many milliseconds; return true once all rows have theirs. */
  normalise(milliseconds) {
    const total = this.heads * this.tokens;
    const end = performance.now() + milliseconds;
    while (this.normalised < total && performance.now() < end) {
      const row = this.normalised++;
      this.normalisers[row] = this.scoreRow(Math.floor(row / this.tokens), row % this.tokens);
    }
    return this.normalised === total;
  }
}

/** Mean over the heads: (token). */
function meanOverHeads(weights, heads, tokens, out) {
  out.fill(0);
  for (let head = 0; head < heads; head++) {
    for (let token = 0; token < tokens; token++) out[token] += weights[head * tokens + token] / heads;
  }
}

/** Largest over the heads: (token). */
function maxOverHeads(weights, heads, tokens, out) {
  out.fill(0);
  for (let head = 0; head < heads; head++) {
    for (let token = 0; token < tokens; token++) {
      const weight = weights[head * tokens + token];
      if (weight > out[token]) out[token] = weight;
    }
  }
}

/** Smallest and largest of values[from … to). */
function range(values, from, to) {
  let low = Infinity, high = -Infinity;
  for (let i = from; i < to; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

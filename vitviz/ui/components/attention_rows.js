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
    for (let key = 0; key < tokens; key++) scores[key] = this.score(head, query, key);
    return logSumExp(scores, 0, tokens);
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
      const head = Math.floor(this.normalised / this.tokens);
      const query = this.normalised % this.tokens;
      if (query + 4 <= this.tokens) this.normaliseFour(head, query);
      else this.normalisers[this.normalised++] = this.scoreRow(head, query);
    }
    return this.normalised === total;
  }

  /** Four rows at once read every key once instead of four times: twice as fast. */
  normaliseFour(head, query) {
    const { tokens, channels, queries, keys } = this;
    const block = (this.block ??= new Float64Array(4 * tokens));
    const first = (head * tokens + query) * channels;
    for (let key = 0; key < tokens; key++) {
      let a = 0, b = 0, c = 0, d = 0;
      let j = (head * tokens + key) * channels;
      for (let i = first, end = first + channels; i < end; i++, j++) {
        const value = keys[j];
        a += queries[i] * value;
        b += queries[i + channels] * value;
        c += queries[i + 2 * channels] * value;
        d += queries[i + 3 * channels] * value;
      }
      block[key] = a;
      block[tokens + key] = b;
      block[2 * tokens + key] = c;
      block[3 * tokens + key] = d;
    }
    for (let row = 0; row < 4; row++) {
      this.normalisers[this.normalised++] = logSumExp(block, row * tokens, (row + 1) * tokens);
    }
  }
}

/** log Σ exp of values[from … to), the largest value taken out so that nothing overflows. */
function logSumExp(values, from, to) {
  let largest = -Infinity;
  for (let i = from; i < to; i++) if (values[i] > largest) largest = values[i];
  let sum = 0;
  for (let i = from; i < to; i++) sum += Math.exp(values[i] - largest);
  return largest + Math.log(sum);
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

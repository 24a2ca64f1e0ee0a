// What the networks say of the board as it is, or of the move that is being made: one card a network.

/** The verdict on what is shown now: on the board as it is, or on the move that is being made. */
function verdictNow(view) {
  const { carried, placed, meta } = view;
  const away = carried ?? placed;
  const start = away ? away.start : meta.chosen;
  const ends = meta.verdicts[start] ?? {};
  return ends[away ? away.cell : start] ?? null;
}

/** One card a network, filled by showVerdicts. */
function buildVerdicts(view) {
  const cards = view.meta.networks.map(([name, colour]) => {
    const card = element("div", "verdict");
    card.style.setProperty("--colour", colour);
    card.append(element("span", "", name), element("strong"), element("span", "quiet"));
    return card;
  });
  view.app.querySelector(".verdicts").replaceChildren(...cards);
}

function showVerdicts(view) {
  const { meta } = view;
  const verdict = verdictNow(view);
  const moving = view.carried !== null || view.placed !== null;
  const truth = view.app.querySelector(".truth");
  view.app.querySelector(".read").textContent = moving && verdict ? verdict[4] : meta.labels.summary;
  if (!meta.networks.length) return (truth.textContent = "");
  if (!verdict) return; // over a cell that is taken: what was said last stays
  const [right, answers, shares, able] = verdict;
  truth.textContent = fill(meta.labels.truth, { answer: meta.answers[right] });
  [...view.app.querySelectorAll(".verdict")].forEach((card, network) => {
    const word = answers[network] !== right ? "wrong" : able[network] ? "right" : "luck";
    const sure = fill(meta.labels.sure, { share: percent(shares[network]) });
    card.dataset.word = word;
    card.children[1].textContent = meta.answers[answers[network]];
    card.children[2].textContent = `${{ right: "✓ ", luck: "", wrong: "✗ " }[word]}${meta.labels[word]}${meta.labels.comma}${sure}`;
  });
}

function verdictWords(view) {
  return [view.app.querySelector(".truth"), ...view.app.querySelectorAll(".verdict")].map((node) => node.textContent).join(". ");
}

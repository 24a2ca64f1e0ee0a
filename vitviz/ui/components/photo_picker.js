// The photo picker: a radio group of thumbnails. The arrow keys move and choose, as in any radio group.

const urls = new WeakMap();

function buildTile([name, title, mark], bytes, current, made) {
  const tile = document.createElement("button");
  tile.type = "button";
  tile.className = "tile";
  tile.title = title;
  tile.dataset.photo = name;
  tile.setAttribute("role", "radio");
  tile.setAttribute("aria-label", title);
  tile.setAttribute("aria-checked", String(name === current));
  tile.tabIndex = name === current ? 0 : -1;
  const image = document.createElement("img");
  image.alt = "";
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  made.push(image.src);
  tile.append(image);
  if (mark) {
    const sign = document.createElement("span");
    sign.className = "mark";
    sign.textContent = mark;
    sign.setAttribute("aria-hidden", "true"); // the label says it in words
    tile.append(sign);
  }
  return tile;
}

// The tab remembers the keys of the reader's own photos, so that a reload finds them again. The first thing that a page
// does is to ask for those that the server did not name; from then on the server's list counts.
const OWN = "vitviz_own_photos";
let asked = false;

function remember(own, say) {
  try {
    const kept = asked ? [] : JSON.parse(sessionStorage.getItem(OWN) ?? "[]").filter((name) => !own.includes(name));
    asked = true;
    if (kept.length) say("restore", kept.join(" "));
    else sessionStorage.setItem(OWN, JSON.stringify(own));
  } catch {
    asked = true; // a browser that keeps nothing: photos last until the reload
  }
}

function mount({ data, parentElement, say }) {
  const { meta, part } = unpack(data);
  if (meta.own) remember(meta.own, say);
  const group = parentElement.querySelector(".tiles");
  group.style.setProperty("--columns", meta.columns);
  const focused = group.contains(parentElement.activeElement ?? parentElement.getRootNode().activeElement);
  const revoke = () => (urls.get(parentElement) ?? []).forEach((url) => URL.revokeObjectURL(url));
  revoke();
  const made = [];
  urls.set(parentElement, made);
  parentElement.querySelector(".label").textContent = meta.label;
  const tiles = meta.tiles.map((tile) => buildTile(tile, part(tile[0], Uint8Array), meta.current, made));
  group.replaceChildren(...tiles);
  if (!tiles.some((tile) => tile.tabIndex === 0) && tiles.length) tiles[0].tabIndex = 0;
  const pick = (tile) => {
    tiles.forEach((each) => {
      each.setAttribute("aria-checked", String(each === tile));
      each.tabIndex = each === tile ? 0 : -1;
    });
    tile.focus();
    say("photo", tile.dataset.photo);
  };
  group.onclick = (event) => {
    const tile = event.target.closest(".tile");
    if (tile) pick(tile);
  };
  group.onkeydown = (event) => {
    const at = tiles.indexOf(event.target.closest(".tile"));
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (at < 0 || step === undefined) return;
    event.preventDefault();
    pick(tiles[(at + step + tiles.length) % tiles.length]);
  };
  if (focused) tiles.find((tile) => tile.tabIndex === 0)?.focus();
  group.dataset.ready = meta.current;
  return revoke;
}

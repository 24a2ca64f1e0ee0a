// Keys for the whole page: they act only where no text is written and no other part of the page took the key.

class Shortcuts {
  constructor(root) {
    this.app = root.querySelector(".shortcuts");
    this.find = (selector) => this.app.querySelector(selector);
    this.find(".full").addEventListener("click", toggleFullScreen);
    this.find(".help").addEventListener("click", () => this.help());
    this.find(".close").addEventListener("click", () => this.find("dialog").close());
  }

  receive({ labels, keys }) {
    this.keys = keys;
    this.find(".full").textContent = labels.full;
    this.find(".help").textContent = labels.help;
    this.find(".close").textContent = labels.close;
    this.find("h2").textContent = labels.title;
    const rows = labels.rows.flatMap(([names, does]) => [element("dt", "", names), element("dd", "", does)]);
    this.find("dl").replaceChildren(...rows);
    this.app.dataset.ready = "1";
  }

  help() {
    if (!this.find("dialog").open) this.find("dialog").showModal();
  }

  take(key) {
    if (key === "?") this.help();
    else if (key === "f") toggleFullScreen();
    else if (key in this.keys) this.send("act", { name: this.keys[key] });
    else return false;
    return true;
  }
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {}); // the browser may not allow it
}

const shortcuts = new WeakMap(); // root of an instance → its keys

function mount({ data, parentElement, say }) {
  let instance = shortcuts.get(parentElement);
  if (!instance) {
    instance = new Shortcuts(parentElement);
    shortcuts.set(parentElement, instance);
  }
  instance.send = say;
  instance.receive(data);
  pageKeys(instance.app, (key) => instance.take(key));
}

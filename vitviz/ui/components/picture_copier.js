// The copy button. A browser lets a page write to the clipboard at a click alone, and the picture is made only then:
// so the clipboard gets a promise, which the server's answer keeps.

const PATIENCE = 60000; // milliseconds
const copiers = new WeakMap();

function mount({ data, parentElement, say }) {
  const { meta, part } = unpack(data);
  const root = parentElement.querySelector(".copier");
  const [button, told] = [root.querySelector("button"), root.querySelector("span")];
  const state = copiers.get(parentElement) ?? {};
  copiers.set(parentElement, state);
  button.textContent = meta.labels.copy;
  const show = (name) => {
    root.dataset.state = name;
    told.textContent = meta.labels[name] ?? "";
  };
  if (state.keep && meta.answer === state.asked) {
    state.keep(new Blob([part("png", Uint8Array)], { type: "image/png" }));
    state.keep = null;
  }
  button.onclick = async () => {
    try {
      const picture = new Promise((keep, refuse) => {
        state.keep = keep;
        setTimeout(() => refuse(new Error("no answer")), PATIENCE);
      });
      picture.catch(() => {}); // where nobody waits for it any more
      state.asked = Date.now();
      const written = navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
      show("making");
      say("asked", state.asked);
      await written;
      show("copied");
    } catch {
      show("refused");
    }
  };
}

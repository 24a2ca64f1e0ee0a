// What the browser does for every page, from before the first element on. See document.py.
(() => {
  const page = document.documentElement;

  // One press of the browser's Back is one step. Streamlit writes an address twice, without and with its choices, and
  // completes a short link; only what follows an act of the reader may be a new entry of the history.
  const push = history.pushState.bind(history);
  let acted = false;
  let path = location.pathname;
  let last = { target: null, moment: 0 };
  const act = (event) => {
    const [target] = event.composedPath();
    const burst = event.type === "keydown" && last.target === target && event.timeStamp - last.moment < 1500;
    last = { target, moment: event.timeStamp };
    acted ||= !burst; // many presses of one key at one control are one act, as a drag is
  };
  for (const kind of ["pointerdown", "keydown", "drop"]) addEventListener(kind, act, true);
  addEventListener("popstate", () => (acted = false), true);
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href);
    const turns = next.pathname !== location.pathname;
    if (acted || turns) push(state, title, url);
    else history.replaceState(state, title, url);
    acted = false;
    if (turns) arrive();
    path = location.pathname;
  };

  // While a page arrives, what follows something of unknown size waits for it: the style sheet hides it.
  for (const kind of ["load", "error"]) {
    const mark = ({ target }) => target instanceof HTMLImageElement && (target.dataset.loaded = "");
    document.addEventListener(kind, mark, true); // no "load" of a picture ever reaches the window
  }
  const DRAWING = [
    '[data-testid="stSkeleton"]',
    '[data-testid="stBidiComponentIsolated"]:not([data-drawn])',
    '[data-testid="stImage"] img:not([data-loaded])',
    '[data-testid="stPlotlyChart"] > div:empty',
  ].join();
  let timer;
  function arrive() {
    page.dataset.arriving = "drawing";
    let [rest, time, all] = [0, 0, 0];
    clearInterval(timer);
    timer = setInterval(() => {
      const app = document.querySelector('[data-testid="stApp"]');
      rest = app?.dataset.testScriptState === "notRunning" ? rest + 1 : 0;
      time += app?.querySelector('[data-testid="stMainBlockContainer"] h2') ? 1 : 0; // not while a model is loaded
      all += 1;
      const drawing = !rest || app.querySelector('[data-testid="stMainBlockContainer"]')?.querySelector(DRAWING);
      page.dataset.arriving = drawing ? "drawing" : ""; // what stands below a picture that is drawn after it waits
      const waits = app?.querySelector('[data-testid="stBidiComponentIsolated"]:not([data-drawn])');
      if ((rest < 10 || waits) && time < 40 && all < 300) return;
      clearInterval(timer);
      delete page.dataset.arriving;
    }, 200);
  }
  arrive();
  addEventListener("popstate", () => {
    if (location.pathname !== path) arrive();
    path = location.pathname;
  });

  // The first stop of the keyboard leads past the sidebar.
  const skip = document.createElement("a");
  skip.className = "vitviz-skip";
  skip.href = "#page";
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    const main = document.querySelector('[data-testid="stMain"]');
    main?.setAttribute("tabindex", "-1");
    main?.focus();
  });
  document.body.prepend(skip);

  const present = new URLSearchParams(location.search).get("present");
  if (present) page.dataset.present = present;
})();

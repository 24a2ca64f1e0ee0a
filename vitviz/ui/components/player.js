// The player of films, sums and counts: one step after another until the last. Where motion is unwelcome nothing moves by
// itself, and each press goes on by one step.

class Player {
  /** `changed` hears that playing began or ended; `ended` is whether the last step is on show; `beat` is in milliseconds. */
  constructor({ app, step, rewind, ended, changed, beat }) {
    Object.assign(this, { app, step, rewind, ended, changed, beat, timer: null });
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.still.addEventListener("change", () => this.stop());
  }

  get playing() {
    return this.timer !== null;
  }

  /** Play from here, or from the beginning at the end; stop if it plays; without motion, go on by one step. */
  press() {
    if (this.playing) return this.stop();
    if (this.ended()) this.rewind();
    else this.step();
    if (!this.still.matches && !this.ended()) this.timer = setInterval(() => this.tick(), this.beat());
    return this.changed();
  }

  tick() {
    if (!this.app.isConnected) return this.drop();
    this.step();
    return this.ended() ? this.stop() : undefined;
  }

  stop() {
    this.drop();
    this.changed();
  }

  /** Stop, and let nobody hear of it. */
  drop() {
    clearInterval(this.timer);
    this.timer = null;
  }

  /** Write on a button what a press does. */
  write(button, labels) {
    const start = this.ended() ? labels.again : labels.play;
    button.textContent = this.playing ? `❚❚ ${labels.pause}` : `▶ ${this.still.matches ? labels.next : start}`;
  }
}

/** The keys of what is played: a step back, a step on, play. */
function playerKeys(app, { press, step }) {
  return (key) => {
    if (!app.checkVisibility()) return false;
    if (key === ",") step(-1);
    else if (key === ".") step(1);
    else if (key === "l") press();
    else return false;
    return true;
  };
}

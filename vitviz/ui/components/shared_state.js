// The state of a viewer, which the reader chooses and Python, too: whoever chose last has it.

class SharedState {
  constructor() {
    this.turn = 0; // when Python was last told
  }

  /**
   * Take note of new data, and return whose state counts: "kept", the reader's as it was; "wanted", Python's; "newer", the
   * reader's although Python wants another, for it was chosen before Python had heard of it. A newer one is told again.
   * What is no longer of the `same` shape is not the reader's any more.
   */
  receive({ revision, heard }, same) {
    const fresh = revision !== this.revision;
    this.revision = revision;
    if (!fresh) return "kept";
    return same && this.turn > heard ? "newer" : "wanted";
  }

  /** Tell Python what the reader chose: it ignores choices older than its own wish. */
  tell(say, state) {
    this.turn = say("view", { ...state, revision: this.revision });
  }
}

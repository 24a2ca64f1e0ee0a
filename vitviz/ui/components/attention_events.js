// What the reader does: pointer and keyboard on the photo, the small maps, the chips and the controls.

function bindPhoto(viewer) {
  const photo = viewer.find(".photo");
  const patchAt = (event) => patchUnder(viewer.photoCanvas, viewer.meta, event);
  photo.addEventListener("pointermove", (event) => {
    const patch = patchAt(event);
    // With Shift the pointer reads the numbers of the pinned query's map; without, it is the query.
    viewer.show(event.shiftKey ? null : viewer.meta.prefix.length + patch, patch);
  });
  photo.addEventListener("pointerleave", () => viewer.show(null, null));
  const pin = (event) => viewer.pin(viewer.meta.prefix.length + patchAt(event));
  photo.addEventListener("click", pin);
  scanByFinger(photo, pin);
  photo.addEventListener("keydown", (event) => photoKey(viewer, event));
  photo.addEventListener("blur", () => {
    if (!photo.matches(":hover")) viewer.show(null, null);
  });
}

/** Arrow keys move the preview, Enter and Space pin it, Escape goes back to what is pinned. */
function photoKey(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { meta } = viewer;
  const moved = movedPatch(event.key, viewer.patchOf(viewer.token), meta);
  if (moved !== null) viewer.show(meta.prefix.length + moved, moved);
  else if (event.key === "Enter" || event.key === " ") viewer.pin(viewer.token);
  else if (event.key === "Escape") viewer.show(null, null);
  else return;
  event.preventDefault();
}

function bindHeads(viewer) {
  const tiles = viewer.find(".tiles");
  const asHead = (value) => (value === "mean" || value === "max" ? value : Number(value));
  radioKeys(tiles, (value) => viewer.change({ head: asHead(value) }));
  tiles.addEventListener("pointermove", (event) => {
    const canvas = event.target.closest("canvas");
    viewer.show(null, canvas ? patchUnder(canvas, viewer.meta, event) : null);
  });
  tiles.addEventListener("pointerleave", () => viewer.show(null, null));
  scanByFinger(tiles);

  const chips = viewer.find(".chips");
  const tokenOf = (event) => {
    const chip = event.target.closest(".chip");
    return chip ? Number(chip.dataset.token) : null;
  };
  chips.addEventListener("click", (event) => {
    if (tokenOf(event) !== null) viewer.pin(tokenOf(event));
  });
  chips.addEventListener("pointerover", (event) => viewer.show(tokenOf(event), null));
  chips.addEventListener("pointerleave", () => viewer.show(null, null));
}

function bindControls(viewer) {
  const { find } = viewer;
  radioKeys(find(".direction"), (direction) => viewer.change({ direction }));
  radioKeys(find(".scale"), (scale) => viewer.change({ scale }));
  radioKeys(find(".palette"), (palette) => viewer.change({ palette }));
  // Whoever points at "attended by" will want it: begin normalising at once.
  find(".direction").addEventListener("pointerenter", () => viewer.rows && viewer.prepare());
  find(".opacity").addEventListener("input", (event) => viewer.change({ opacity: event.target.value / 100 }, 250));
  find(".hide").addEventListener("change", (event) => viewer.change({ hide_special: event.target.checked }));
  find(".interpolate").addEventListener("change", (event) => viewer.change({ interpolate: event.target.checked }));
  find(".previous").addEventListener("click", () => viewer.stepLayer(-1));
  find(".next").addEventListener("click", () => viewer.stepLayer(1));
}

/** Keys that work wherever the focus is on the page. */
function viewerKeys(viewer) {
  const layers = playerKeys(viewer.app, { press: () => viewer.film.play(), step: (by) => viewer.stepLayer(by) });
  return (key) => {
    if (key === "[") viewer.changeOpacity(-5);
    else if (key === "]") viewer.changeOpacity(5);
    else return layers(key);
    return true;
  };
}

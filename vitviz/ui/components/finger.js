// A finger on a picture that a mouse scans by pointing. A tap is a click. A finger that rests for a moment, or sets out
// sideways, scans in every direction until it is lifted; one that sets out up or down at once scrolls the page.

const REST_TIME = 180; // milliseconds
const REST_ROOM = 10; // pixels that a resting finger may tremble

/**
 * Let a finger scan a picture: the pointer events go on while the page stands still. `lift`, if given, gets the event of
 * the finger that was lifted after a scan, where a mouse would click.
 */
function scanByFinger(target, lift) {
  let start = null; // where the finger was put down, or null once it scrolls or is no single finger
  let timer;
  const scan = () => (target.dataset.scanning = "");
  const end = () => {
    clearTimeout(timer);
    start = null;
    delete target.dataset.scanning;
  };
  target.classList.add("scanned");
  target.addEventListener("touchstart", ({ touches }) => {
    end();
    if (touches.length !== 1) return;
    start = [touches[0].clientX, touches[0].clientY];
    timer = setTimeout(scan, REST_TIME);
  }, { passive: true });
  target.addEventListener("touchmove", (event) => {
    const [{ clientX, clientY }] = event.touches;
    if (!("scanning" in target.dataset) && start) {
      const [across, down] = [Math.abs(clientX - start[0]), Math.abs(clientY - start[1])];
      if (across > REST_ROOM && across > down) scan();
      else if (down > REST_ROOM) end();
    }
    if ("scanning" in target.dataset && event.cancelable) event.preventDefault();
  }, { passive: false });
  target.addEventListener("pointerup", (event) => {
    if (event.pointerType === "touch" && "scanning" in target.dataset) lift?.(event);
  });
  for (const kind of ["touchend", "touchcancel"]) target.addEventListener(kind, end);
  target.addEventListener("contextmenu", (event) => start && event.preventDefault()); // of a long press
}

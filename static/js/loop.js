// One rAF loop for the page: handlers only change state, panels draw here, at most one panel a frame, each at its own cadence.
// When frames run long the cadences stretch, up to four times, and the page stays usable.

const panels = [];
let previous = 0;
let mean_ms = 16;
let stretch = 1;

/** Register a panel; call the answer whenever its state changed. */
export function panel(draw, every_ms) {
  const entry = { draw, every_ms, at: -1e9, dirty: true };
  panels.push(entry);
  return () => {
    entry.dirty = true;
  };
}

function frame(now) {
  if (previous) {
    mean_ms = mean_ms * 0.95 + (now - previous) * 0.05;
    stretch = mean_ms > 28 ? Math.min(4, stretch * 1.02) : Math.max(1, stretch * 0.995);
  }
  previous = now;
  let due = null;
  let most = 0;
  for (const entry of panels) {
    if (!entry.dirty) continue;
    const late = (now - entry.at) / (entry.every_ms * stretch);
    if (late >= 1 && late > most) {
      due = entry;
      most = late;
    }
  }
  if (due) {
    due.dirty = false;
    due.at = now;
    due.draw(now);
  }
  requestAnimationFrame(frame);
}

export function start() {
  requestAnimationFrame(frame);
}

// Short news over the chart. Rejects and risk stops stay until dismissed; the rest leaves after 5 s, waiting while somebody reads.
import { el, icon } from "./format.js";

const MOST = 4;
const box = () => document.getElementById("toasts");
const spoken = (urgent) => document.getElementById(urgent ? "say-now" : "say");

/** kind: good | bad | note. */
export function toast(kind, title, detail = "") {
  const place = box();
  if (!place) return;
  const close = el("button", "icon-btn", icon("x"));
  close.type = "button";
  close.setAttribute("aria-label", "Dismiss");
  const note = el("div", "toast " + kind, icon(kind === "bad" ? "warn" : kind === "note" ? "note" : "ok"), el("div", "", el("b", "", title), el("p", "", detail)), close);
  close.onclick = () => note.remove();
  place.append(note);
  while (place.children.length > MOST) place.firstElementChild.remove();
  const speaker = spoken(kind === "bad");
  if (speaker) speaker.textContent = title + ". " + detail;
  if (kind === "bad") return;
  let timer = setTimeout(() => note.remove(), 5000);
  const wait = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(() => note.remove(), 2500));
  note.addEventListener("pointerenter", wait);
  note.addEventListener("pointerleave", go);
  note.addEventListener("focusin", wait);
  note.addEventListener("focusout", go);
}

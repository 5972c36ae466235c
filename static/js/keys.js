// The keyboard. Single keys act only when no field has focus and no dialog is open; none of them sends an order.
import { $ } from "./format.js";
import { switchTheme } from "./prefs.js";
import { askHalt } from "./halt.js";

export function keys({ ticket, chart, blotter, tape, palette }) {
  let going = 0;
  const act = {
    "/": () => palette.open(),
    b: () => side("buy"),
    s: () => side("sell"),
    p: () => focus("#price"),
    q: () => focus("#quantity"),
    m: () => ticket.pickTouch("mid"),
    "[": () => ticket.pickTouch("bid"),
    "]": () => ticket.pickTouch("ask"),
    1: () => ticket.preset(10),
    2: () => ticket.preset(25),
    3: () => ticket.preset(50),
    4: () => ticket.preset(100),
    x: () => blotter.cancelSelected(),
    X: () => blotter.cancelAll(true),
    l: () => blotter.showSelected(),
    j: () => blotter.move(1),
    k: () => blotter.move(-1),
    ",": () => chart.step(-1),
    ".": () => chart.step(1),
    f: () => chart.fullScreen(),
    t: switchTheme,
    " ": () => tape.pause(),
    P: () => readAloud(),
    "?": () => $("#keys-sheet").showModal(),
  };
  const places = { t: "/", p: "/portfolio" };

  function focus(selector) {
    $(selector).focus();
    $(selector).select();
  }
  function side(which) {
    ticket.setSide(which);
    focus(ticket.type === "limit" ? "#price" : "#quantity");
  }
  function readAloud() {
    $("#say").textContent = `Bid ${$("#bid").textContent}, ask ${$("#ask").textContent}, last ${$("#last").textContent}.`;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      askHalt();
      return;
    }
    if (event.key === "Escape" && !$("dialog[open]")) {
      delete document.body.dataset.sheet;
      document.activeElement?.blur();
      return;
    }
    const field = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (field || event.ctrlKey || event.metaKey || event.altKey || event.repeat || $("dialog[open]")) return;
    if (event.key === " " && event.target.closest?.("button, a, summary")) return;
    if (going && performance.now() - going < 1200) {
      going = 0;
      if (places[event.key]) location.assign(places[event.key]);
      return;
    }
    if (event.key === "g") {
      going = performance.now();
      return;
    }
    if (!act[event.key]) return;
    event.preventDefault();
    act[event.key]();
  });
  for (const button of document.querySelectorAll("[data-keys-sheet]")) button.addEventListener("click", () => $("#keys-sheet").showModal());
}

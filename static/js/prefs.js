// Theme and palette: a cookie the server reads, so that the first paint is already right.
import { $ } from "./format.js";

const root = document.documentElement;
const keep = (name, value) => {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
};

function changed() {
  for (const button of document.querySelectorAll("[data-pref] b")) {
    button.textContent = button.parentElement.dataset.pref === "theme" ? root.dataset.theme : root.dataset.cvd === "on" ? "on" : "off";
  }
  document.dispatchEvent(new CustomEvent("themechange"));
}

export function switchTheme() {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  keep("theme", root.dataset.theme);
  changed();
}

export function switchPalette() {
  if (root.dataset.cvd === "on") delete root.dataset.cvd;
  else root.dataset.cvd = "on";
  keep("cvd", root.dataset.cvd || "off");
  changed();
}

export function prefs() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-pref]");
    if (button?.dataset.pref === "theme") switchTheme();
    else if (button?.dataset.pref === "cvd") switchPalette();
    const menu = $(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
}

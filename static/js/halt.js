// The halt button is a plain form that works without a script. With one, it asks first, in a dialog that holds the very same form.
import { $ } from "./format.js";

export function askHalt() {
  const dialog = $("#halt-dialog");
  if (!dialog) return false;
  dialog.showModal();
  $("#halt-confirm").focus();
  return true;
}

export function halt() {
  $("#halt-form")?.addEventListener("submit", (event) => {
    if (askHalt()) event.preventDefault();
  });
  $("#halt-dialog [data-close]")?.addEventListener("click", () => $("#halt-dialog").close());
}

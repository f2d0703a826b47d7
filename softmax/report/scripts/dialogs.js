// Opens and closes the dialogs.

/** Show the dialog `id` from its top, because browsers keep the scroll position of the last use. */
export function open(id) {
  const dialog = document.getElementById(id);
  dialog.showModal();
  dialog.scrollTop = 0;
}

export function start() {
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

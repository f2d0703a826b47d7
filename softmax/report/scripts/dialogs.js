// The dialogs of the page.

/** Show the dialog `id`, from its top: a browser would go on where the last one was scrolled to. */
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

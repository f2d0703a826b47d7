// Links within the page. A browser does not follow them in a blob, as which MLflow's artifact viewer
// shows the page. Elsewhere it does, with an address and a way back.

export function start() {
  if (location.protocol !== "blob:") return;
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const target = document.querySelector(link.hash);
      target.tabIndex = -1; // so that the tab key goes on from there
      target.focus({ preventScroll: true });
      target.scrollIntoView();
    });
  }
}

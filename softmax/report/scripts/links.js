// Links within the page, of which the contents mark the current one and its part. A browser does not
// follow them in a blob, as which MLflow's artifact viewer shows the page. Elsewhere it does, with an
// address and a way back.

export function start() {
  const observer = new IntersectionObserver(mark, { rootMargin: "-50% 0px" }); // on the middle line
  for (const link of document.querySelectorAll("nav a")) {
    observer.observe(document.querySelector(link.hash));
    link.addEventListener("click", () => link.closest("[popover]")?.hidePopover());
  }
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

function mark(entries) {
  const current = entries.find((entry) => entry.isIntersecting)?.target.id;
  if (!current) return;
  const link = document.querySelector(`nav a[href="#${current}"]`);
  const part = link.closest("[popover]")?.previousElementSibling;
  for (const one of document.querySelectorAll("nav :is(a, button)")) {
    one.ariaCurrent = one === link || one === part ? "true" : null;
  }
}

// Marks the current section and its part in the table of contents. Makes links within the page work
// in MLflow's artifact viewer, which shows the page as a blob: browsers do not follow links there.

export function start() {
  const observer = new IntersectionObserver(mark, { rootMargin: "-50% 0px" }); // at the middle
  for (const link of document.querySelectorAll("nav a")) {
    observer.observe(document.querySelector(link.hash));
    link.addEventListener("click", () => link.closest("[popover]")?.hidePopover());
  }
  if (location.protocol !== "blob:") return;
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const target = document.querySelector(link.hash);
      target.tabIndex = -1; // makes the tab key continue from here
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

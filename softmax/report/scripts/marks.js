// Draws the points of the plane as SVG. Each class has its own shape, for readers who cannot
// distinguish the colors.

export const NAMES = ["red", "green", "blue"];
const SHAPES = ["M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0z", "M-7-7h14v14h-14z", "M0-9 9 7h-18z"];
const CROSS = "M-12 0H-4M4 0H12M0-12V-4M0 4V12";

/** Return the mark of a point of class y, or the cross if y is undefined. */
export function drawn(y) {
  const kind = y === undefined ? "cross" : `point ${NAMES[y]}`;
  const group = svg("g", { class: kind, role: "img" });
  group.append(svg("circle", { class: "halo", r: 20 }), svg("path", { d: SHAPES[y] ?? CROSS }));
  return group;
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

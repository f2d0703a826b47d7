// The facts in the file, and their binary forms.

/** What softmax/report.py says of them. */
export const facts = JSON.parse(document.getElementById("facts").textContent);

/** A Float64Array of the base64 of little-endian float64. */
export function doubles(base64) {
  const view = new DataView(bytes(base64).buffer);
  return Float64Array.from({ length: view.byteLength / 8 }, (_, k) => view.getFloat64(8 * k, true));
}

/** `count` bytes of the base64 of runs, in which a 0 is followed by how often it comes. */
export function runs(base64, count) {
  const encoded = bytes(base64);
  const decoded = new Uint8Array(count);
  for (let from = 0, to = 0; from < encoded.length; from++) {
    if (encoded[from] === 0) to += encoded[++from];
    else decoded[to++] = encoded[from];
  }
  return decoded;
}

function bytes(base64) {
  const text = atob(base64);
  const decoded = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) decoded[k] = text.charCodeAt(k);
  return decoded;
}

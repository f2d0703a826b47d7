// Reads the report's data from the file, and unpacks arrays.

/** The JSON object that softmax/report/document.py describes. */
export const results = JSON.parse(document.getElementById("report-data").textContent);

/** Return the Uint8Array that `packed` of softmax/report/embedded.py packed. */
export async function unpack(base64) {
  const inflate = new DecompressionStream("deflate");
  const stream = new Blob([bytes(base64)]).stream().pipeThrough(inflate);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return the Float64Array that `doubles` of softmax/report/embedded.py packed. */
export async function doubles(base64) {
  const octets = await unpack(base64);
  const count = octets.length / 8;
  const view = new DataView(new ArrayBuffer(octets.length));
  for (let byte = 0; byte < 8; byte++) {
    for (let k = 0; k < count; k++) view.setUint8(8 * k + byte, octets[byte * count + k]);
  }
  return Float64Array.from({ length: count }, (_, k) => view.getFloat64(8 * k, true));
}

function bytes(base64) {
  const text = atob(base64);
  const decoded = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) decoded[k] = text.charCodeAt(k);
  return decoded;
}

// Implements docs/arithmetic.md with the same bits as softmax/core/arithmetic.py, because
// JavaScript's numbers are IEEE 754 doubles. Math.exp, Math.log and ** may differ between engines,
// and Math.round rounds ties up, so they are not used.

export const WEIGHT_GRID = 1 / 0x40000000; // 2^-30
export const RESIDUAL_GRID = 1 / 0x1000000; // 2^-24
export const EXPONENTIAL_GRID = 1 / 0x10000000000; // 2^-40
export const LOSS_GRID = 1 / 0x1000000; // 2^-24

const ROUND = 0x18000000000000; // 1.5 * 2^52
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const LOG2_E = 1.4426950408889634;
const SQRT_HALF = 0.7071067811865476;
const EXP_LOWEST = -708;
const EXP_COEFFICIENTS = [
  0.16666666666666602, -0.0027777777777015593, 6.613756321437934e-05, -1.6533902205465252e-06,
  4.1381367970572385e-08,
];
const LOG_COEFFICIENTS = [
  0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784,
  0.1818357216161805, 0.15313837699209373, 0.14798198605116586,
];

/** Return the multiple of `grid` that is nearest to x, with ties to even, for |x| < 2^51 grid. */
export function snap(x, grid) {
  const shift = ROUND * grid;
  return x + shift - shift;
}

/** Return e^x for x <= 0 by fdlibm's method, and e^-708 for smaller x. */
export function exp(x) {
  x = Math.max(x, EXP_LOWEST);
  const k = x * LOG2_E + ROUND - ROUND;
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  const square = r * r;
  const c = r - polynomial(square, EXP_COEFFICIENTS) * square;
  return ((r * c) / (2 - c) + r + 1) * powerOfTwo(k);
}

/** Return the natural logarithm of a positive normal x by fdlibm's method. */
export function log(x) {
  let { half, k } = split(x);
  if (half < SQRT_HALF) {
    half *= 2;
    k -= 1;
  }
  const f = half - 1;
  const s = f / (2 + f);
  const square = s * s;
  const halfSquare = f * f * 0.5;
  const tail = s * (halfSquare + polynomial(square, LOG_COEFFICIENTS) * square) + k * LN2_LOW;
  return k * LN2_HIGH - (halfSquare - tail - f);
}

/** Return c0 + c1 x + c2 x^2 + ... by Horner's rule. */
function polynomial(x, coefficients) {
  let result = coefficients.at(-1);
  for (let n = coefficients.length - 2; n >= 0; n--) result = result * x + coefficients[n];
  return result;
}

const double = new DataView(new ArrayBuffer(8));

/** Return 2^k for an integer k from -1022 to 1023, by setting the exponent bits. */
function powerOfTwo(k) {
  double.setInt32(0, (1023 + k) << 20);
  double.setInt32(4, 0);
  return double.getFloat64(0);
}

/** Return half and k with x = 2^k * half and 1/2 <= half < 1. */
function split(x) {
  double.setFloat64(0, x);
  const high = double.getInt32(0);
  double.setInt32(0, (high & 0xfffff) | (1022 << 20));
  return { half: double.getFloat64(0), k: (high >> 20) - 1022 };
}

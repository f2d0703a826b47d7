// Implements the optimizers of softmax/training/optimizers.py. Each is a function of the number of
// parameters and the decay of momentum. next() begins a step, and direction(g, i) returns the
// direction of parameter i, whose gradient is g.

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

export const OPTIMIZERS = {
  sgd: () => ({ next() {}, direction: (g) => g }),

  momentum(count, decay) {
    const v = new Float64Array(count);
    return { next() {}, direction: (g, i) => (v[i] = v[i] * decay + g) };
  },

  nesterov(count, decay) {
    const v = new Float64Array(count);
    return { next() {}, direction: (g, i) => (v[i] = v[i] * decay + g) * decay + g };
  },

  adam(count) {
    const [mean, variance] = [new Float64Array(count), new Float64Array(count)];
    let [power1, power2] = [1, 1];
    return {
      next() {
        power1 *= BETA1;
        power2 *= BETA2;
      },
      direction(g, i) {
        mean[i] = mean[i] * BETA1 + g * (1 - BETA1);
        variance[i] = variance[i] * BETA2 + g * g * (1 - BETA2);
        const deviation = Math.sqrt(variance[i] * (1 / (1 - power2)));
        return (mean[i] * (1 / (1 - power1))) / (deviation + EPSILON);
      },
    };
  },
};

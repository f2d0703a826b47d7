// Splits long work, so the page can respond between the parts.

export const pause = () => new Promise((go) => setTimeout(go));

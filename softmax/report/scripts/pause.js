// Long work in parts: the browser answers its reader between them.

export const pause = () => new Promise((go) => setTimeout(go));

/** Colours for one stream. Each function returns its text unchanged where the stream shows no colours. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

export function createPaint(isColored: boolean): Paint {
  const style = (on: number, off: number) => (text: string) => (isColored && text !== '' ? `\u001B[${on}m${text}\u001B[${off}m` : text);
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39), green: style(32, 39), yellow: style(33, 39), cyan: style(36, 39) };
}

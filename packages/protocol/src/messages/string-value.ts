/** Reads the JSON string that stands in `bytes` from `start` to `end`, quotes included. @throws SyntaxError when it is none. */
export function readString(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1);
}

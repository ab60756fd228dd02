/** A name as learning keeps it: bounded, and without the character that stands between the parts of a row's key. */
export function toName(name: string): string {
  return name.slice(0, 128).replaceAll('\0', ' ');
}

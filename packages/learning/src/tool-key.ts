/** Parts of a row's key. What is in a part cannot hold the separator. */
export function joinKey(...parts: readonly string[]): string {
  let key = parts[0] ?? '';
  for (let index = 1; index < parts.length; index++) key += SEPARATOR + parts[index]!;
  return key;
}

export function splitKey(key: string): readonly string[] {
  return key.split(SEPARATOR);
}

const SEPARATOR = '\0';

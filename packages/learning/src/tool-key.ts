/** Parts of a row's key. What is in a part cannot hold the separator. */
export function joinKey(...parts: readonly string[]): string {
  return parts.join(SEPARATOR);
}

export function splitKey(key: string): readonly string[] {
  return key.split(SEPARATOR);
}

const SEPARATOR = '\0';

/** Names of callers by their hashes, in memory alone: those that were seen since the start, up to a bound. */
export interface PrincipalNames {
  see(hash: string, name: string): void;
  /** `undefined` for one that was not seen, or not lately. */
  nameOf(hash: string): string | undefined;
}

const MAX_NAMES = 5_000;

export function createPrincipalNames(maxNames = MAX_NAMES): PrincipalNames {
  const names = new Map<string, string>();
  let last = '';
  return {
    see: (hash, name) => {
      if (hash === last || hash === '') return;
      last = hash;
      // Last seen stands last.
      names.delete(hash);
      if (names.size >= maxNames) names.delete(names.keys().next().value!);
      names.set(hash, name);
    },
    nameOf: (hash) => names.get(hash),
  };
}

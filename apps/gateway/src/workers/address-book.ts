const MAX_REMEMBERED = 100_000;

export interface AddressBook {
  /**
   * Where something lives now.
   * @param question.home Where it lived at first.
   * @param question.asker Takes it up if it lives nowhere.
   * @returns `undefined` for what was ended.
   */
  find(question: { readonly id: string; readonly home: string | undefined; readonly asker: string }): string | undefined;
  /** Nobody may take it up from now on. */
  end(id: string): void;
}

/** Knows the new homes of what lived in workers that are gone, so that no two workers take it up. Forgets the oldest beyond a bound. */
export function createAddressBook(isLiving: (name: string) => boolean): AddressBook {
  const homes = new Map<string, string | undefined>();
  const put = (id: string, home: string | undefined): void => {
    homes.delete(id);
    homes.set(id, home);
    if (homes.size > MAX_REMEMBERED) homes.delete(homes.keys().next().value!);
  };
  return {
    find: ({ id, home, asker }) => {
      if (home !== undefined && isLiving(home)) return home;
      const known = homes.get(id);
      if (known === undefined ? homes.has(id) : isLiving(known)) return known;
      put(id, asker);
      return asker;
    },
    end: (id) => put(id, undefined),
  };
}

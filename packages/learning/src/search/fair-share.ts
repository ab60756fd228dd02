/** Choices that anyone has of any tool, whatever others do. */
const FREE = 6;
/** From then on: so many times what all have had on average. */
const SLACK = 3;
/** Choices of one tool that count in one conversation. */
const MAX_PER_SESSION = 4;
export const MAX_VOTERS = 1_000;
const MAX_ROWS = 20_000;

/** Bounds what one caller and one conversation can teach: what most do counts, what one does often does not. */
export class FairShare {
  /** `principal\0tool` → choices that were counted; the tool is empty for all. */
  readonly #rows = new Map<string, number>();
  readonly #sessions = new Map<string, number>();
  readonly #ofTool = new Map<string, number>();
  #voters = 0;

  /** @returns whether one more choice of a tool counts, and if so remembers it. */
  take({ principal, session, key }: { readonly principal: string; readonly session: string; readonly key: string }): boolean {
    const row = `${principal}\0${key}`;
    const had = this.#rows.get(row) ?? 0;
    const isNew = !this.#rows.has(`${principal}\0`);
    const all = this.#ofTool.get(key) ?? 0;
    if (had >= FREE + (SLACK * all) / Math.max(1, this.#voters + (isNew ? 1 : 0))) return false;
    if (session !== '' && !this.#takeSession(`${session}\0${key}`)) return false;
    if (isNew) {
      if (this.#voters >= MAX_VOTERS) this.#forgetVoter();
      this.#voters++;
    }
    this.#rows.set(row, had + 1);
    this.#rows.set(`${principal}\0`, (this.#rows.get(`${principal}\0`) ?? 0) + 1);
    this.#ofTool.set(key, all + 1);
    if (this.#rows.size > MAX_ROWS) this.#forgetVoter();
    return true;
  }

  save(): [string, readonly number[]][] {
    return [...this.#rows].map(([row, count]) => [row, [count]]);
  }

  load(rows: Iterable<readonly [string, readonly number[]]>): void {
    for (const [row, [count]] of rows) {
      this.#rows.set(row, count!);
      const key = row.slice(row.indexOf('\0') + 1);
      if (key === '') this.#voters++;
      else this.#ofTool.set(key, (this.#ofTool.get(key) ?? 0) + count!);
    }
  }

  #takeSession(row: string): boolean {
    const had = this.#sessions.get(row) ?? 0;
    if (had >= MAX_PER_SESSION) return false;
    this.#sessions.delete(row);
    this.#sessions.set(row, had + 1);
    if (this.#sessions.size > MAX_ROWS)
      for (const oldest of [...this.#sessions.keys()].slice(0, MAX_ROWS / 10)) this.#sessions.delete(oldest);
    return true;
  }

  // Who has said least goes first. What was learned from them stays.
  #forgetVoter(): void {
    const totals = [...this.#rows].filter(([row]) => row.endsWith('\0')).toSorted(([, left], [, right]) => left - right);
    const gone = new Set(totals.slice(0, Math.max(1, totals.length >> 3)).map(([row]) => row.slice(0, -1)));
    for (const [row, count] of this.#rows) {
      const end = row.indexOf('\0');
      if (!gone.has(row.slice(0, end))) continue;
      this.#rows.delete(row);
      const key = row.slice(end + 1);
      if (key === '') this.#voters--;
      else this.#ofTool.set(key, this.#ofTool.get(key)! - count);
    }
  }
}

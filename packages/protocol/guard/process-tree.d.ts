export interface ProcessTree {
  readonly pid: number;
  /** As `readStat` tells it; `undefined` where there is no /proc. */
  readonly startedAt: string | undefined;
  /** Text that the environment of each descendant holds, `NAME=value`. */
  readonly mark: string;
}
export function endTree(tree: ProcessTree, budget: { readonly graceMs: number; readonly giveUpMs: number }): Promise<number>;
export function findTree(tree: ProcessTree): Promise<number[]>;
export function readStat(
  pid: number,
): Promise<{ readonly startedAt: string; readonly group: number; readonly isDead: boolean } | undefined>;

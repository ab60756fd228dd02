/** What the program ends with. The same table stands in docs/commands.md. */
export const EXIT = {
  ok: 0,
  /** It was tried and failed. */
  failed: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** What the command works on is not there: no configuration, no running gateway, no such name. */
  nothing: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

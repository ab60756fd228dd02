/** One thing looked at: how it is, and how to mend it. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'error';
  /** What was looked at, for example `node` or the name of an upstream. */
  readonly subject: string;
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(subject: string, message: string): Finding {
  return { level: 'ok', subject, message };
}

export function warn(subject: string, message: string, fix: string): Finding {
  return { level: 'warn', subject, message, fix };
}

export function error(subject: string, message: string, fix: string): Finding {
  return { level: 'error', subject, message, fix };
}

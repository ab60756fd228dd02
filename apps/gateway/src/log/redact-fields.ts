import { toMessage, type LogFields } from '@signalbox/core';

const SECRET = /(?:token|authorization|password|passwd|passphrase|secrets?|apikey|accesskey|privatekey|cookie|credentials?)$/;
const RESERVED = new Set(['level', 'time', 'msg']);
const MAX_DEPTH = 8;
const MAX_VALUES = 1000;
/** Names of fields that are looked at once. */
const MAX_NAMES = 1000;

const secretNames = new Map<string, boolean>();

/** Values that may still be visited: a graph of objects can be far larger than any log should be. */
interface Budget {
  left: number;
}

/**
 * A copy of log fields fit to be written: what is named like a secret is hidden at every depth, errors become objects,
 * names that a line has of its own get a `_` behind them. Deeper or longer than any log should be is cut.
 */
export function redactFields(fields: LogFields): LogFields {
  if (isPlain(fields)) return fields;
  const budget = { left: MAX_VALUES };
  return Object.fromEntries(
    Object.entries(redactMembers(fields, 1, budget)).map(([key, value]) => [RESERVED.has(key) ? `${key}_` : key, value]),
  );
}

function redact(value: unknown, depth: number, budget: Budget): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth > MAX_DEPTH || budget.left <= 0) return '[more]';
  if (value instanceof Error) return redactError(value, depth, budget);
  if (Array.isArray(value)) return take(value, budget).map((member) => redact(member, depth + 1, budget));
  // Dates, addresses and the like say themselves what they are as JSON.
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(toJson(value as Jsonable), depth + 1, budget);
  return redactMembers(value, depth, budget);
}

function redactError(error: Error, depth: number, budget: Budget): LogFields {
  const { name, message, stack, cause } = error;
  const own = redactMembers(error, depth, budget);
  return { ...own, name, message, stack, ...(cause !== undefined && { cause: redact(cause, depth + 1, budget) }) };
}

function redactMembers(value: object, depth: number, budget: Budget): LogFields {
  const members = take(Object.entries(value), budget);
  return Object.fromEntries(members.map(([key, member]) => [key, isSecretName(key) ? hide(member) : redact(member, depth + 1, budget)]));
}

function take<Item>(items: readonly Item[], budget: Budget): Item[] {
  const taken = items.slice(0, Math.max(0, budget.left));
  budget.left -= taken.length;
  return taken;
}

interface Jsonable {
  toJSON(): unknown;
}

// An invalid date or raw bytes that are no JSON must not make a log line fail.
function toJson(value: Jsonable): unknown {
  try {
    return value.toJSON();
  } catch (error) {
    return `[unreadable: ${toMessage(error)}]`;
  }
}

// Most lines have nothing to hide and nothing to cut, and they are written before anyone can change them.
function isPlain(fields: LogFields): boolean {
  for (const key of Object.keys(fields)) {
    if (RESERVED.has(key) || isSecretName(key)) return false;
    const type = typeof fields[key];
    if (type !== 'string' && type !== 'number' && type !== 'boolean' && type !== 'undefined') return false;
  }
  return true;
}

function isSecretName(key: string): boolean {
  let isSecret = secretNames.get(key);
  if (isSecret === undefined) {
    isSecret = SECRET.test(key.replace(/[^A-Za-z]/g, '').toLowerCase());
    if (secretNames.size < MAX_NAMES) secretNames.set(key, isSecret);
  }
  return isSecret;
}

function hide(value: unknown): unknown {
  return value === undefined || value === null ? value : '[redacted]';
}

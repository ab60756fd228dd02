import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import { nearestOf } from '../nearest.ts';
import { isObject } from '../raw-json.ts';
import { gatewayConfig, type GatewayConfig } from './gateway-config.ts';

/** One thing wrong with a configuration: where, what, and what to do. */
export interface ConfigProblem {
  /** For example `mcpServers.github.timeouts.callMs`. */
  readonly path: string;
  readonly message: string;
}

// What other hosts keep in their entries and we have no use for. Accepted so that a copied file works as it is.
const FOREIGN_KEYS = new Set([
  'alwaysAllow',
  'autoApprove',
  'autoStart',
  'dev',
  'gallery',
  'icon',
  'metadata',
  'note',
  'oauth',
  'startup_timeout_sec',
  'tool_timeout_sec',
  'trust',
  'version',
]);

/**
 * Turns untrusted data into a configuration with every default filled in, frozen.
 * @throws GatewayError `INVALID_CONFIG` with all problems in `data.problems`.
 */
export function parseGatewayConfig(input: unknown): GatewayConfig {
  const parsed = gatewayConfig.safeParse(adoptForeignForms(input));
  if (parsed.success) return deepFreeze(parsed.data);
  const problems = parsed.error.issues.flatMap(toProblems);
  const first = problems[0]!;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  throw new GatewayError('INVALID_CONFIG', `Cannot use the configuration: ${first.path || 'the file'} ${first.message}${more}`, {
    data: { problems },
  });
}

/** The problems an `INVALID_CONFIG` error carries. */
export function configProblems(error: GatewayError): readonly ConfigProblem[] {
  const problems = error.data?.['problems'];
  return Array.isArray(problems) ? (problems as ConfigProblem[]) : [];
}

/** JSON Schema (2020-12) of the configuration file as people write it, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(gatewayConfig, { io: 'input', unrepresentable: 'any' });
  return { ...schema, title: 'Signalbox configuration' };
}

/** Reads the spellings of other hosts: their extra keys, `servers`, `enabled`, `disabledTools`, `httpUrl`, `serverUrl`. */
function adoptForeignForms(input: unknown): unknown {
  if (!isObject(input)) return input;
  const { servers, ...rest } = input;
  const file = servers !== undefined && rest['mcpServers'] === undefined ? { ...rest, mcpServers: servers } : input;
  const entries = file['mcpServers'];
  if (!isObject(entries)) return file;
  return { ...file, mcpServers: Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, adoptEntry(entry)])) };
}

function adoptEntry(entry: unknown): unknown {
  if (!isObject(entry)) return entry;
  const { enabled, disabledTools, httpUrl, serverUrl, timeout, ...rest } = entry;
  const adopted: Record<string, unknown> = Object.fromEntries(Object.entries(rest).filter(([key]) => !FOREIGN_KEYS.has(key)));
  if (typeof enabled === 'boolean' && adopted['disabled'] === undefined) adopted['disabled'] = !enabled;
  const url = httpUrl ?? serverUrl;
  if (typeof url === 'string' && adopted['url'] === undefined) adopted['url'] = url;
  if (Array.isArray(disabledTools) && adopted['tools'] === undefined) adopted['tools'] = { deny: disabledTools };
  if (typeof timeout === 'number' && adopted['timeouts'] === undefined)
    adopted['timeouts'] = { callMs: timeout < 1000 ? timeout * 1000 : timeout };
  return adopted;
}

function toProblems(issue: z.core.$ZodIssue): ConfigProblem[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, message: unknownKeyMessage(key, issue.path) }));
  }
  // For a name in a record the rule it breaks is one level down.
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ path, message: lowerFirst(message) }];
}

function unknownKeyMessage(key: string, path: readonly PropertyKey[]): string {
  const known = keysAt(path);
  const nearest = nearestOf(key, known);
  if (nearest !== undefined) return `is not a known key; did you mean "${nearest}"?`;
  return `is not a known key; known are ${known.map((name) => `"${name}"`).join(', ')}`;
}

function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configJsonSchema();
  for (const step of path) {
    if (!isObject(schema)) return [];
    const properties = schema['properties'];
    schema = isObject(properties) && properties[String(step)] !== undefined ? properties[String(step)] : schema['additionalProperties'];
  }
  return isObject(schema) && isObject(schema['properties']) ? Object.keys(schema['properties']) : [];
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

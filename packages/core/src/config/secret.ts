import { z } from 'zod';

/** A value, or a reference to one that is never written down: `{ "env": "NAME" }` or text with `${env:NAME}` inside. */
export const secretText = z
  .union([z.string(), z.strictObject({ env: z.string().min(1).describe('Name of the environment variable that holds the value.') })])
  .describe('Text, with `${env:NAME}` replaced by that environment variable, or `{ "env": "NAME" }`.');
export type SecretText = z.infer<typeof secretText>;

/** A reference and nothing else: a value in the file itself is refused. */
export const secretReference = z
  .strictObject({ env: z.string().min(1).describe('Name of the environment variable that holds the secret.') })
  .describe('Reference to a secret.');
export type SecretReference = z.infer<typeof secretReference>;

// `${configDir}` is no variable: it is replaced where the file is read.
const PLACEHOLDER = /\$\{(?!configDir\})(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Names of the environment variables a text refers to and `environment` lacks. */
export function missingSecrets(text: SecretText, environment: Readonly<Record<string, string | undefined>>): string[] {
  if (typeof text !== 'string') return environment[text.env] === undefined ? [text.env] : [];
  const missing: string[] = [];
  for (const match of text.matchAll(PLACEHOLDER)) {
    const name = match[1]!;
    if (environment[name] === undefined && match[2] === undefined) missing.push(name);
  }
  return missing;
}

/**
 * Replaces references by what they refer to. `${NAME}` and `${NAME:-default}` are read as well, as other hosts write them.
 * A variable that is missing becomes empty text: ask `missingSecrets` first.
 */
export function resolveSecret(text: SecretText, environment: Readonly<Record<string, string | undefined>>): string {
  if (typeof text !== 'string') return environment[text.env] ?? '';
  return text.replace(PLACEHOLDER, (_, name: string, fallback: string | undefined) => environment[name] ?? fallback ?? '');
}

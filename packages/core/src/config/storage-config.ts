import { z } from 'zod';
import { secretText } from './secret.ts';

/** Where the master key of the sealed store comes from. Never a value in the file itself. */
export const keySource = z
  .union([
    z.strictObject({ env: z.string().min(1).describe('Environment variable that holds the key.') }),
    z.strictObject({ file: z.string().min(1).describe('File that holds the key, readable by its owner alone.') }),
    z.strictObject({
      command: z.array(z.string().min(1)).min(1).describe('Program and arguments that print the key; no shell is used.'),
    }),
  ])
  .describe('Where a key of 32 bytes, as base64 or hexadecimal text, comes from.');
export type KeySource = z.infer<typeof keySource>;

export const encryptionConfig = z.strictObject({
  key: keySource.optional().describe('The master key. Default: a file in the data folder, made at the first start.'),
  previous: z
    .array(keySource)
    .max(8)
    .default([])
    .describe('Master keys used before. What they protect is put under `key` at start, and they may then be taken out.'),
});
export type EncryptionConfig = z.infer<typeof encryptionConfig>;

export const storageConfig = z.strictObject({
  url: secretText
    .default('sqlite:')
    .describe(
      'Where state, history, audit and records rest: `sqlite:` (a file in the data folder; `sqlite:/path/to/file` elsewhere), `memory:`, `postgres://…`, `redis://…`, or `module:./driver.js` for a driver of your own. `${env:NAME}` stands for that environment variable.',
    ),
  namespace: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must start with a lower-case letter and hold at most 40 lower-case letters, digits and underscores')
    .default('signalbox')
    .describe('Schema in PostgreSQL, or beginning of every key in Redis. Gateways with one namespace share what is in it.'),
  startupSeconds: z
    .int()
    .min(0)
    .max(3_600)
    .default(30)
    .describe('How long a gateway that starts waits for a server that cannot be reached yet. Until then it serves nobody.'),
  encryption: encryptionConfig.prefault({}).describe('How what is marked sensitive is encrypted at rest.'),
});
export type StorageConfig = z.infer<typeof storageConfig>;

export const cacheConfig = z.strictObject({
  memoryBytes: z.int().min(0).default(67_108_864).describe('Answers kept in memory, all together.'),
  diskBytes: z.int().min(0).default(268_435_456).describe('Answers kept in a file of the data folder, all together; 0 keeps none there.'),
  shared: secretText
    .optional()
    .describe('A tier that several gateways share: `redis://…`, or `module:./tier.js` for one of your own. Default: none.'),
  compressFromBytes: z.int().min(0).default(1_024).describe('Answers of this size and more are compressed below the memory tier.'),
});
export type CacheConfig = z.infer<typeof cacheConfig>;

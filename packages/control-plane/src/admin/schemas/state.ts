import { STATE_ACTIONS } from '../../recorded-state/state-event.ts';
import { locatedProblem, next, z } from './common.ts';

const version = z.int().min(0);
const names = z.array(z.string());

export const configDiff = z
  .strictObject({
    added: names,
    changed: names,
    unchanged: names,
    removed: names,
    isReordered: z.boolean(),
    settings: z.array(
      z.strictObject({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() }).openapi('SettingChange'),
    ),
    needsRestart: names.describe('Changed settings that wait for a restart of the gateway.'),
  })
  .openapi('ConfigDiff');

export const lines = names.describe('The difference as lines for people; none when there is none.');

const configuration = z.record(z.string(), z.unknown()).openapi('Configuration', {
  description: 'A configuration with all defaults; values that may be secrets read `***`. Its schema is `signalbox config schema`.',
});

const ownedEntry = z
  .strictObject({
    path: names.describe('`["mcpServers", name]`, `["virtualServers", name]`, or `[setting]`.'),
    owner: z.enum(['file', 'api']),
    line: z.int().optional().describe('Where it stands in the file.'),
    state: z
      .enum(['applied', 'shadowed', 'unfit'])
      .describe('`shadowed`: the file defines it, too. `unfit`: it does not go together with the file.'),
    reason: z.string().optional(),
  })
  .openapi('OwnedEntry');

export const configBody = z.strictObject({ version, config: configuration, entries: z.array(ownedEntry) }).openapi('Config');

const path = z.union([z.string().min(1).max(500), z.array(z.string().min(1).max(200)).min(1).max(20)]).openapi('SettingPath', {
  description: 'Path of a setting: text such as `mcpServers.github.disabled`, or its steps where names hold dots.',
});

const operation = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.literal('set'), path, value: z.unknown().describe('Takes the place of what is there.') }),
    z.strictObject({ op: z.literal('remove'), path }),
  ])
  .openapi('Operation');

const reason = z.string().max(1000).optional().describe('Why, for the history.');
const dryRun = z.boolean().optional().describe('Says what would happen, and changes nothing.');

export const changeRequest = z
  .strictObject({
    operations: z.array(operation).min(1).max(1000),
    target: z.enum(['api', 'file']).optional().describe('Who is to own it. Default `api`; `file` edits the configuration file.'),
    reason,
    dryRun,
    ifFile: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')
      .optional()
      .describe('SHA-256 of the text the file must have.'),
  })
  .openapi('ChangeRequest', {
    example: { operations: [{ op: 'set', path: 'mcpServers.time', value: { module: '@signalbox/module-time' } }], reason: 'for the team' },
  });

export const changeBody = z
  .strictObject({
    version,
    dryRun: z.boolean(),
    diff: configDiff,
    lines,
    problems: z.array(locatedProblem).describe('What keeps it from being done; only a dry run has any.'),
    file: z
      .strictObject({ path: z.string(), diff: z.string().describe('As a unified diff, secrets masked.'), backup: z.string().optional() })
      .optional()
      .describe('What becomes of the configuration file, when its text changes.'),
  })
  .openapi('Change');

export const reloadBody = z.strictObject({ diff: configDiff, lines }).openapi('Reload');

const stateVersion = z
  .strictObject({
    version,
    atMs: z.number(),
    by: z.string().describe('Name of the admin principal; `file` for a change of the file that was found by following it.'),
    action: z.enum(STATE_ACTIONS),
    reason: z.string().optional(),
    restarts: names.optional(),
    target: version.optional().describe('The version that was gone back to.'),
    isFileChanged: z.boolean(),
    paths: names.describe('What the API changed.'),
  })
  .openapi('StateVersion');

export const action = z.enum(STATE_ACTIONS);
export const versionsBody = z.strictObject({ versions: z.array(stateVersion).describe('Newest first.'), next }).openapi('StateVersions');
export const versionBody = z
  .strictObject({ ...stateVersion.shape, diff: configDiff, lines, config: configuration })
  .openapi('StateVersionDetail');
export const versionDiffBody = z.strictObject({ from: version, to: version, diff: configDiff, lines }).openapi('StateVersionDiff');

export const rollbackRequest = z
  .strictObject({
    scope: z.enum(['all', 'api']).optional().describe('`api` leaves the file as it is. Default `all`.'),
    reason,
    dryRun,
  })
  .openapi('RollbackRequest');

export const verdictBody = z
  .strictObject({ isSound: z.boolean(), version, events: z.int().min(0), problems: names })
  .openapi('StateVerdict');

import type { StateVerdictBody, VersionBody, VersionDiffBody, VersionsBody } from '../../contract.ts';
import { renderDiff } from '../../desired-state/diff-config.ts';
import { maskConfig } from '../../desired-state/mask-config.ts';
import { toText } from '../../recorded-state/state-entry.ts';
import type { StateEvent } from '../../recorded-state/state-event.ts';
import { toActor } from '../actor.ts';
import { parseCursor, toCursor } from '../cursor.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { count, cursor, z } from '../schemas/common.ts';
import { action, changeBody, rollbackRequest, verdictBody, versionBody, versionDiffBody, versionsBody } from '../schemas/state.ts';
import { toChangeBody } from './config.ts';

const number = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'must be the number of a version')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 1, example: 1 });
const params = z.strictObject({ version: number });

/** Every version there has been of what is wanted. */
export function versionRoutes(parts: AdminParts): AdminRoute[] {
  const tag = 'History';
  return [
    defineRoute({
      id: 'listVersions',
      method: 'get',
      path: '/versions',
      tag,
      summary: 'The history of the wanted state, newest first',
      query: z.strictObject({
        limit: count({ max: 1000, fallback: 50 }),
        cursor,
        by: z.string().optional().describe('Only changes by this principal; `file` for those of the file.'),
        action: action.optional(),
      }),
      answer: { description: 'The versions', schema: versionsBody },
      problems: [503],
      run: async ({ query: { limit, cursor: at, by, action: only } }) => {
        const { events, next } = await parts.state.history.list({ limit, before: parseCursor('versions', at), by, action: only });
        return { versions: events.map(toVersion), next: toCursor('versions', next) } satisfies VersionsBody;
      },
    }),
    defineRoute({
      id: 'getVersion',
      method: 'get',
      path: '/versions/{version}',
      tag,
      summary: 'One version: what it changed, and the whole configuration',
      params,
      answer: { description: 'The version, secrets masked', schema: versionBody },
      problems: [404, 409, 503],
      run: async ({ params: { version } }) => {
        const { event, diff, config } = await parts.state.history.get(version);
        return { ...toVersion(event), diff, lines: renderDiff(diff), config: maskConfig(config) } satisfies VersionBody;
      },
    }),
    defineRoute({
      id: 'diffVersions',
      method: 'get',
      path: '/versions/{version}/diff/{to}',
      tag,
      summary: 'What separates two versions',
      params: z.strictObject({ version: number, to: number }),
      answer: { description: 'The difference, secrets masked', schema: versionDiffBody },
      problems: [404, 409, 503],
      run: async ({ params: { version: from, to } }) => {
        const diff = await parts.state.history.diff(from, to);
        return { from, to, diff, lines: renderDiff(diff) } satisfies VersionDiffBody;
      },
    }),
    defineRoute({
      id: 'rollBack',
      method: 'post',
      path: '/versions/{version}/rollback',
      tag,
      summary: 'Go back to a version',
      description:
        'Restores what the API owned then and, unless `"scope": "api"`, the text of the configuration file. Going back makes a new version.',
      params,
      body: rollbackRequest,
      isBodyOptional: true,
      isTagged: true,
      answer: { description: 'What was changed, or would be', schema: changeBody },
      problems: [404, 409, 412, 413, 415, 503],
      run: async ({ params: { version }, body, principal, precondition }) =>
        toChangeBody(await parts.state.rollback({ ...body, ...precondition, version }, toActor(principal))),
    }),
    defineRoute({
      id: 'verifyState',
      method: 'get',
      path: '/state/verify',
      tag,
      summary: 'Whether all events add up to what is kept and what applies',
      answer: { description: 'The verdict', schema: verdictBody },
      problems: [503],
      run: async () => (await parts.state.verify()) satisfies StateVerdictBody,
    }),
    defineRoute({
      id: 'rebuildState',
      method: 'post',
      path: '/state/rebuild',
      tag,
      summary: 'Make the kept document anew from the events',
      answer: { description: 'The verdict afterwards', schema: verdictBody },
      problems: [503],
      run: async () => (await parts.state.rebuild()) satisfies StateVerdictBody,
    }),
  ];
}

function toVersion({ operations = [], file, ...event }: StateEvent): VersionsBody['versions'][number] {
  return { ...event, isFileChanged: file !== undefined, paths: operations.map(({ path }) => toText(path)) };
}

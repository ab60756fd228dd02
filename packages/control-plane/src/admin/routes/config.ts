import type { ChangeBody, ConfigBody, ReloadBody } from '../../contract.ts';
import { renderDiff } from '../../desired-state/diff-config.ts';
import { maskConfig } from '../../desired-state/mask-config.ts';
import type { ChangeResult } from '../../recorded-state/recorded-state.ts';
import { toActor } from '../actor.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { changeBody, changeRequest, configBody, reloadBody } from '../schemas/state.ts';

/** What is wanted, and changing it. */
export function configRoutes(parts: AdminParts): AdminRoute[] {
  const tag = 'Configuration';
  return [
    defineRoute({
      id: 'getConfig',
      method: 'get',
      path: '/config',
      tag,
      summary: 'The configuration that applies, and who owns what of it',
      isTagged: true,
      answer: { description: 'The configuration, secrets masked', schema: configBody },
      run: () => {
        const { version, config } = parts.state.current;
        const entries = parts.state
          .owned()
          .map(({ path, owner, place, state: how, reason }) => ({ path, owner, line: place?.line, state: how, reason }));
        return { version, config: maskConfig(config), entries } satisfies ConfigBody;
      },
    }),
    defineRoute({
      id: 'change',
      method: 'post',
      path: '/changes',
      tag,
      summary: 'Change what is wanted',
      description:
        'Makes all operations or none. What the file owns is changed with `"target": "file"`, which edits the file and leaves comments and order as they are. A dry run answers what would happen.',
      body: changeRequest,
      isTagged: true,
      answer: { description: 'What was changed, or would be', schema: changeBody },
      problems: [404, 409, 412, 413, 415, 503],
      run: async ({ body, principal, precondition }) =>
        toChangeBody(await parts.state.change({ ...body, ...precondition }, toActor(principal))),
    }),
    defineRoute({
      id: 'reload',
      method: 'post',
      path: '/reload',
      tag,
      summary: 'Read the configuration file again',
      description: 'The gateway follows its file by itself; this does not wait until it has seen the change.',
      isTagged: true,
      answer: { description: 'What has changed', schema: reloadBody },
      problems: [412],
      run: async ({ principal, precondition }) => {
        const diff = await parts.state.reload('asked for', { ...precondition, by: principal.name });
        return { diff, lines: renderDiff(diff) } satisfies ReloadBody;
      },
    }),
  ];
}

/** A change as the API answers it. */
export function toChangeBody({ version, isDryRun, diff, problems, file }: ChangeResult): ChangeBody {
  return { version, dryRun: isDryRun, diff, lines: renderDiff(diff), problems, file };
}

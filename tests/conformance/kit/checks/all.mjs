import { askChecks, stateChecks } from './asks.mjs';
import { cancellationChecks, changeChecks } from './changes.mjs';
import { contentChecks, errorChecks } from './content.mjs';
import { isolationChecks } from './isolation.mjs';
import { definitionChecks, pageChecks, schemaChecks } from './lists.mjs';
import { loadChecks } from './load.mjs';
import { notificationChecks } from './notifications.mjs';
import { jsonChecks, resultChecks } from './results.mjs';
import { taskChecks } from './tasks.mjs';
import { cachingChecks, openingChecks, vendorChecks } from './vendor.mjs';

/**
 * Every check, in the order in which they are made. `when` says in which cells a check has a meaning.
 * @type {{ group: string, name: string, when?: (cell: any) => boolean, run: (trial: any) => unknown, timeoutMs?: number }[]}
 */
export const allChecks = [
  ...openingChecks,
  ...definitionChecks,
  ...schemaChecks,
  ...pageChecks,
  ...resultChecks,
  ...jsonChecks,
  ...contentChecks,
  ...errorChecks,
  ...notificationChecks,
  ...changeChecks,
  ...cancellationChecks,
  ...askChecks,
  ...stateChecks,
  ...taskChecks,
  ...vendorChecks,
  ...cachingChecks,
  ...isolationChecks,
  ...loadChecks,
];

/** The groups, in that order. */
export const groups = [...new Set(allChecks.map(({ group }) => group))];

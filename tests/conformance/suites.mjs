import { fileURLToPath } from 'node:url';

/**
 * The official suites as we run them: released and newest pre-release, by the revision they ask for. `direct` is how many
 * checks our own fixture passes without a gateway.
 */
export const serverSuites = [
  { name: '0.1.16', version: '0.1.16', args: ['--suite', 'all'], direct: 47 },
  { name: '2025-11-25', version: '0.2.0-alpha.12', args: ['--requirements', '2025-11-25'], direct: 84 },
  { name: '2026-07-28', version: '0.2.0-alpha.12', args: ['--requirements', '2026-07-28'], direct: 196 },
];

/**
 * The client side, scenario by scenario. Those of `auth/*` ask for OAuth, which the gateway does not do yet, and those of
 * `sep-2640-*` for a host that shows skills.
 */
export const clientSuites = [
  {
    name: 'client-0.1.16',
    version: '0.1.16',
    revision: '2025-11-25',
    scenarios: ['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry'],
  },
  {
    name: 'client-2025-11-25',
    version: '0.2.0-alpha.12',
    revision: '2025-11-25',
    scenarios: ['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry', 'json-schema-2020-12-preservation'],
  },
  {
    name: 'client-2026-07-28',
    version: '0.2.0-alpha.12',
    revision: '2026-07-28',
    scenarios: [
      'tools_call',
      'request-metadata',
      'sep-2322-client-request-state',
      'http-standard-headers',
      'http-custom-headers',
      'http-invalid-tool-headers',
      'json-schema-ref-no-deref',
      'json-schema-2020-12-preservation',
    ],
  },
];

/** The command of the client under test, for the suites' client side. */
export const clientCommand = `${process.execPath} ${fileURLToPath(new URL('client-driver.mjs', import.meta.url))}`;

/** The path of a baseline, by what it is of. */
export const baselinePath = (name) => fileURLToPath(new URL(`baseline/${name}.yml`, import.meta.url));

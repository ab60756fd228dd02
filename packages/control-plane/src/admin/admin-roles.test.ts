import { ROLES, type Role } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createAdminSetup, OWNER_TOKEN } from '../testing/admin-setup.ts';
import { OPERATION_ROLES } from './access.ts';
import { createAdminDocument } from './openapi.ts';
import type { AdminParts } from './route.ts';
import { allRoutes } from './routes/all-routes.ts';

interface Operation {
  readonly operationId: string;
  readonly 'x-roles': readonly Role[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: { readonly 'application/json': { readonly schema: { readonly $ref: string } } };
  };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly example?: unknown }>> };
}

// Everything is taken from the contract, so that no route can be forgotten here.
const document = createAdminDocument() as unknown as Document;
const PARAMETERS: Readonly<Record<string, string>> = {
  name: 'github',
  version: '1',
  from: '1',
  to: '1',
  chain: 'c',
  sequence: '1',
  id: 'a1',
};
/** Of operations that cannot do without. */
const QUERIES: Readonly<Record<string, string>> = { explainSearch: '?need=say%20it' };
const schemas = new Map(allRoutes({} as AdminParts).map(({ id, answer }) => [id as string, answer.schema]));
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    id: operation.operationId,
    method: method.toUpperCase(),
    path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => PARAMETERS[name]!) + (QUERIES[operation.operationId] ?? ''),
    roles: operation['x-roles'],
    body: exampleOf(operation),
    expected: Object.keys(operation.responses).map(Number),
  })),
);

function exampleOf({ requestBody }: Operation): unknown {
  if (requestBody?.required !== true) return undefined;
  const name = requestBody.content['application/json'].schema.$ref.split('/').at(-1)!;
  return document.components.schemas[name]!.example;
}

test('the contract has every operation of the table of roles', () => {
  expect(operations.map(({ id }) => id).toSorted()).toEqual(Object.keys(OPERATION_ROLES).toSorted());
  for (const { id, roles } of operations) expect(roles).toEqual(OPERATION_ROLES[id as keyof typeof OPERATION_ROLES]);
});

const cases = operations.flatMap((operation) => ROLES.map((role) => ({ ...operation, role })));

test.each(cases)('$id as $role', async ({ id, method, path, body, role, roles, expected }) => {
  const { ask } = await createAdminSetup();
  const answer = await ask(method, path, { token: `token-of-${role}`, body });
  const isOpen = roles.includes(role);
  expect(answer.status).toBe(isOpen ? expected.find((status) => status < 300) : 403);
  const schema = isOpen ? schemas.get(id) : undefined;
  expect(schema?.safeParse(answer.body).error).toBeUndefined();
  const { code, detail = '' } = (answer.body ?? {}) as { readonly code?: string; readonly detail?: string };
  expect([code === 'FORBIDDEN', detail.includes(`takes the role "${roles[0]!}"`)]).toEqual([!isOpen, !isOpen]);
});

test.each(operations)('$id is closed to whoever has no token, or a wrong one', async ({ method, path, body }) => {
  const { ask, state } = await createAdminSetup();
  for (const token of [null, 'wrong', `${OWNER_TOKEN}x`, 'undefined', '']) {
    const { status, response } = await ask(method, path, { token, body });
    expect([status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="signalbox"']);
  }
  expect(state.current.version).toBe(1);
});

test('the payload of a call is for auditors alone, and who changes access is an owner', async () => {
  expect(OPERATION_ROLES.getAuditPayload).toEqual(['auditor']);
  const { ask } = await createAdminSetup();
  const body = { target: 'file', operations: [{ op: 'set', path: 'admin.access.otto.role', value: 'owner' }] };
  expect((await ask('POST', '/changes', { token: 'token-of-operator', body })).body).toMatchObject({
    status: 403,
    detail: 'Cannot change "admin.access.otto.role" as "otto": that takes the role "owner"',
  });
  expect((await ask('POST', '/changes', { body })).status).toBe(200);
  expect((await ask('GET', '/access/me', { token: 'token-of-operator' })).body).toMatchObject({ name: 'otto', role: 'owner' });
});

test('who may steer is told, and whose token is missing', async () => {
  const { ask } = await createAdminSetup();
  expect((await ask('GET', '/access')).body).toEqual({
    principals: [
      { name: 'local', role: 'owner', isUsable: true },
      { name: 'vera', role: 'viewer', isUsable: true },
      { name: 'otto', role: 'operator', isUsable: true },
      { name: 'aude', role: 'auditor', isUsable: true },
      { name: 'olga', role: 'owner', isUsable: true },
      { name: 'nemo', role: 'owner', isUsable: false },
    ],
  });
});

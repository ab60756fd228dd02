import { STATUS_CODES } from 'node:http';
import { OpenAPIHono } from '@hono/zod-openapi';
import { ADMIN_PREFIX } from '../contract.ts';
import { OPERATION_ROLES } from './access.ts';
import { defineRoute, type AdminParts, type AdminRoute } from './route.ts';
import { allRoutes } from './routes/all-routes.ts';
import { problemBody, z } from './schemas/common.ts';

/** The contract of the admin API as OpenAPI 3.1. */
export type AdminDocument = Readonly<Record<string, unknown>>;

/** The route that describes all routes. */
export function describeRoute(document: () => AdminDocument): AdminRoute {
  return defineRoute({
    id: 'getOpenApi',
    method: 'get',
    path: '/openapi.json',
    tag: 'Gateway',
    summary: 'This description',
    answer: { description: 'An OpenAPI 3.1 document', schema: z.record(z.string(), z.unknown()).openapi('OpenApiDocument') },
    run: document,
  });
}

/** The contract of all routes. Needs no running gateway. */
export function createAdminDocument(): AdminDocument {
  const app = new OpenAPIHono();
  const registry = app.openAPIRegistry;
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description:
      'The token in `gateway.json` of the data folder, which is the owner’s, or one that `admin.access` of the configuration names.',
  });
  const routes = [...allRoutes({} as AdminParts), describeRoute(() => ({}))];
  for (const route of routes) registry.registerPath(toPath(route));
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Signalbox admin API',
      version: '1',
      description: 'Looks at a Signalbox gateway and steers it. Commands and panels use nothing else.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: ADMIN_PREFIX }],
    security: [{ bearer: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
  }) as unknown as AdminDocument;
}

type PathConfig = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0];

function toPath(route: AdminRoute): PathConfig {
  const { id, method, path, tag, summary, description, params, query, body, answer } = route;
  const headers = headersOf(route);
  const { status = 200, mediaType = 'application/json', schema = z.string() } = answer;
  const problems = [...new Set([400, 401, 403, 500, ...(method === 'get' ? [] : [409, 413, 503]), ...(route.problems ?? [])])].toSorted(
    (left, right) => left - right,
  );
  return {
    method,
    path,
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    'x-roles': [...OPERATION_ROLES[id]],
    request: {
      ...(params !== undefined && { params }),
      ...(query !== undefined && { query }),
      ...(headers !== undefined && { headers }),
      ...(body !== undefined && { body: { required: route.isBodyOptional !== true, content: { 'application/json': { schema: body } } } }),
    },
    responses: {
      [status]: {
        description: answer.description,
        content: { [mediaType]: { schema } },
        ...(route.isTagged === true && {
          headers: { ETag: { description: 'Version of the wanted state.', schema: { type: 'string', examples: ['"7"'] } } },
        }),
      },
      ...Object.fromEntries(
        problems.map((code) => [
          code,
          { description: STATUS_CODES[code] ?? 'Error', content: { 'application/problem+json': { schema: problemBody } } },
        ]),
      ),
    },
  } as unknown as PathConfig;
}

function headersOf({ id, method, isTagged = false }: AdminRoute) {
  const ifMatch = z.string().optional().describe('Entity tag of the state it was decided at; another one is refused as 412.');
  const key = z.string().max(200).optional().describe('The same key with the same request gets the same answer for 24 hours.');
  const last = z.string().optional().describe('Id of the last event that was seen.');
  const shape = {
    ...(method !== 'get' && isTagged && { 'If-Match': ifMatch }),
    ...(method !== 'get' && { 'Idempotency-Key': key }),
    ...(id === 'getEvents' && { 'Last-Event-ID': last }),
  };
  return Object.keys(shape).length === 0 ? undefined : z.object(shape);
}

import { GatewayError } from '@signalbox/core';
import type { AuditBody, AuditPayloadBody, AuditVerdictBody } from '../../contract.ts';
import type { AuditPart, AuditQuery } from '../../parts.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { count, cursor, timeMs, z } from '../schemas/common.ts';
import { auditBody, auditVerdictBody, payloadBody } from '../schemas/seen.ts';
import { required } from './required.ts';

const filters = {
  kind: z.enum(['call', 'change']).optional(),
  upstream: z.string().optional(),
  name: z.string().optional(),
  principal: z.string().optional(),
  status: z.string().optional(),
  sinceMs: timeMs,
  untilMs: timeMs,
};
const EXPORT_PAGE = 500;

/** Who did what. */
export function auditRoutes(parts: AdminParts): AdminRoute[] {
  const audit = () => required(parts.audit, 'The audit');
  const tag = 'Audit';
  return [
    defineRoute({
      id: 'listAudit',
      method: 'get',
      path: '/audit',
      tag,
      summary: 'Records of calls and changes, newest first',
      query: z.strictObject({ limit: count({ max: 1000, fallback: 100 }), cursor, ...filters }),
      answer: { description: 'The records', schema: auditBody },
      problems: [404, 503],
      run: async ({ query }) => (await audit().list(query)) satisfies AuditBody,
    }),
    defineRoute({
      id: 'verifyAudit',
      method: 'get',
      path: '/audit/verify',
      tag,
      summary: 'Whether every record is as it was written',
      answer: { description: 'The verdict', schema: auditVerdictBody },
      problems: [404, 503],
      run: async () => (await audit().verify()) satisfies AuditVerdictBody,
    }),
    defineRoute({
      id: 'exportAudit',
      method: 'get',
      path: '/audit/export',
      tag,
      summary: 'All records that fit, one JSON object a line, newest first',
      query: z.strictObject(filters),
      answer: { description: 'The records', mediaType: 'application/x-ndjson' },
      problems: [404, 503],
      run: async ({ query }) => {
        // A failure of the first page is still a problem of its own.
        const first = await audit().list({ ...query, limit: EXPORT_PAGE });
        const headers = { 'content-type': 'application/x-ndjson', 'content-disposition': 'attachment; filename="audit.jsonl"' };
        return new Response(toLines(audit(), { query, first }), { headers });
      },
    }),
    defineRoute({
      id: 'getAuditPayload',
      method: 'get',
      path: '/audit/{chain}/{sequence}/payload',
      tag,
      summary: 'Arguments and result of a call, for auditors alone',
      params: z.strictObject({
        chain: z.string().min(1),
        sequence: z
          .string()
          .regex(/^[1-9]\d{0,14}$/, 'must be the place of a record in its chain')
          .transform(Number)
          .openapi({ type: 'integer', minimum: 1 }),
      }),
      answer: { description: 'The payload', schema: payloadBody },
      problems: [404, 503],
      run: async ({ params: { chain, sequence } }) => {
        const payload = await audit().payload(chain, sequence);
        if (payload === undefined) throw new GatewayError('NOT_FOUND', `There is no payload of record ${sequence} of chain "${chain}"`);
        return payload satisfies AuditPayloadBody;
      },
    }),
  ];
}

type Page = Awaited<ReturnType<AuditPart['list']>>;

// Pulled page by page, as fast as the reader takes them.
function toLines(
  audit: AuditPart,
  { query, first }: { readonly query: Omit<AuditQuery, 'limit'>; readonly first: Page },
): ReadableStream<Uint8Array> {
  let page: Page | undefined = first;
  return new ReadableStream({
    pull: async (controller) => {
      if (page === undefined) return controller.close();
      const { entries, next } = page;
      if (entries.length > 0) controller.enqueue(Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));
      page = next === undefined ? undefined : await audit.list({ ...query, limit: EXPORT_PAGE, cursor: next });
      if (page === undefined) controller.close();
    },
  });
}

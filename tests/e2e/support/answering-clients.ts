import * as current from '@modelcontextprotocol/client';
import { Client as EarlierClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as EarlierHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

export const ANSWERING_CLIENTS = ['sdk', 'client legacy', 'client modern'] as const;

/** One of the protocol's own clients, which answers whatever a server may ask: its model, its user and its roots. */
export interface AnsweringClient extends AsyncDisposable {
  /** Methods it was asked, in order. */
  readonly asked: string[];
  /** Says the text of the answer. */
  call(name: string, args?: Record<string, unknown>, options?: { readonly signal?: AbortSignal }): Promise<string>;
}

const capabilities = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };

/** @param who Tells its answers from those of other clients. */
export async function openAnsweringClient(
  kind: (typeof ANSWERING_CLIENTS)[number],
  url: string,
  who = 'e2e',
  declared: object = capabilities,
): Promise<AnsweringClient> {
  const asked: string[] = [];
  const answers = {
    sample: (params: { readonly messages: readonly unknown[] }) => {
      asked.push('sampling/createMessage');
      return {
        role: 'assistant' as const,
        model: 'e2e',
        content: { type: 'text' as const, text: `${who} on ${JSON.stringify(params.messages).length > 0}` },
      };
    },
    elicit: (params: Record<string, unknown>) => {
      asked.push('elicitation/create');
      const { properties = {} } = (params['requestedSchema'] ?? {}) as { properties?: Record<string, { type?: string }> };
      const content = Object.fromEntries(
        Object.entries(properties).map(([key, { type }]) => [key, type === 'boolean' ? true : `${who}'s ${key}`]),
      );
      return { action: 'accept' as const, ...(params['mode'] === 'url' ? {} : { content }) };
    },
    roots: () => {
      asked.push('roots/list');
      return { roots: [{ uri: `file:///of/${who}` }] };
    },
  };
  if (kind === 'sdk') {
    const it = new EarlierClient({ name: who, version: '1.0.0' }, { capabilities: declared });
    if ('sampling' in declared) it.setRequestHandler(CreateMessageRequestSchema, ({ params }) => answers.sample(params));
    if ('elicitation' in declared) it.setRequestHandler(ElicitRequestSchema, ({ params }) => answers.elicit(params));
    if ('roots' in declared) it.setRequestHandler(ListRootsRequestSchema, () => answers.roots());
    await it.connect(new EarlierHttp(new URL(url)) as Parameters<EarlierClient['connect']>[0]);
    const call: AnsweringClient['call'] = async (name, args = {}, options = {}) =>
      textOf(await it.callTool({ name, arguments: args }, undefined, options));
    return { asked, call, [Symbol.asyncDispose]: () => it.close() };
  }
  const mode = kind === 'client modern' ? { pin: '2026-07-28' } : 'legacy';
  const it = new current.Client({ name: who, version: '1.0.0' }, { capabilities: declared, versionNegotiation: { mode } });
  if ('sampling' in declared) it.setRequestHandler('sampling/createMessage', ({ params }) => answers.sample(params));
  if ('elicitation' in declared) it.setRequestHandler('elicitation/create', ({ params }) => answers.elicit(params));
  if ('roots' in declared) it.setRequestHandler('roots/list', () => answers.roots());
  await it.connect(new current.StreamableHTTPClientTransport(new URL(url)));
  const call: AnsweringClient['call'] = async (name, args = {}, options = {}) =>
    textOf(await it.callTool({ name, arguments: args }, options));
  return { asked, call, [Symbol.asyncDispose]: () => it.close() };
}

function textOf(result: Record<string, unknown>): string {
  return (result['content'] as readonly { readonly text?: string }[]).map(({ text }) => text ?? '').join('\n');
}

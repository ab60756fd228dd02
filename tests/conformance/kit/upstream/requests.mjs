import { code, lists, RpcError } from '../wire/protocol.mjs';
import { isObject } from '../wire/json.mjs';
import { complete } from './prompts.mjs';
import { readResource } from './resources.mjs';

/** Thrown by `ask` where the client has to repeat its request with the answers. */
export class InputRequired extends Error {
  /** @param {object} result */
  constructor(result) {
    super('The client has to answer first');
    this.name = 'InputRequired';
    this.result = result;
  }
}

const answers = {
  'tools/call': callTool,
  'prompts/get': (context) => context.world.findPrompt(context.params?.name).get(context),
  'resources/read': readResource,
  'completion/complete': (context) => complete(context),
  'kit.test/echo': ({ params }) => ({ received: params, 'kit.test/unknown': 1 }),
  'kit.test/fail': ({ params }) => {
    throw new RpcError(-32001, 'Failed as asked', { received: params?.nonce ?? null });
  },
};

/** Whether a method is one that both generations serve in the same way. */
export const isShared = (method) => method in answers || method in lists;

/**
 * Answers a request that both generations have.
 * @param {{ world: any, generation: 'modern' | 'handshake', method: string, params: any }} context And what a tool may use:
 *   `ask`, `notify`, `log`, `progress`, `signal`, `startTask`.
 */
export async function answerRequest(context) {
  const { world, method, params, generation } = context;
  if (method in lists) return world.list(method, params, generation);
  const nonce = params?.arguments?.nonce;
  if (nonce === undefined) return answers[method](context);
  const entry = world.journal.begin(nonce, { method, generation });
  const cancel = () => entry.cancel(context.signal.reason instanceof Error ? context.signal.reason.message : String(context.signal.reason));
  context.signal.addEventListener('abort', cancel, { once: true });
  try {
    return await answers[method](context);
  } finally {
    context.signal.removeEventListener('abort', cancel);
    entry.end();
  }
}

async function callTool(context) {
  const { world, params, generation } = context;
  const given = params?.arguments ?? {};
  if (!isObject(given)) throw new RpcError(code.invalidParams, 'The arguments must be an object');
  const tool = world.findTool(params?.name, generation);
  const run = (own) => runTool(tool, { ...own, arguments: given });
  const started = tool.canBeTask ? context.startTask?.(run, context) : undefined;
  return started ?? run(context);
}

async function runTool(tool, context) {
  try {
    return await tool.run(context);
  } catch (error) {
    if (error instanceof RpcError || error instanceof InputRequired || context.signal.aborted) throw error;
    return { isError: true, content: [{ type: 'text', text: error.message }] };
  }
}

import { RpcError } from '../../wire/protocol.mjs';

const text = (value) => ({ content: [{ type: 'text', text: value }] });
const nonced = (more) => ({ type: 'object', properties: { nonce: { type: 'string' }, ...more } });
const execution = { taskSupport: 'optional' };
const question = { mode: 'form', message: 'Go on?', requestedSchema: { type: 'object', properties: { value: { type: 'string' } } } };

/** Tools that may run as tasks. */
export const jobTools = [
  {
    canBeTask: true,
    listed: {
      name: 'job',
      description: 'Works a while',
      execution,
      inputSchema: nonced({ ms: { type: 'integer' }, fail: { type: 'string' } }),
    },
    run: async ({ arguments: { nonce, ms = 20, fail }, signal, progress }) => {
      progress({ progress: 1, total: 2, message: nonce });
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => (clearTimeout(timer), reject(new Error('It was cancelled'))), { once: true });
      });
      if (fail === 'tool') return { isError: true, ...text(`failed ${nonce}`) };
      if (fail === 'protocol') throw new RpcError(-32099, `crashed ${nonce}`, { nonce, list: [1] });
      return {
        ...text(`worked ${nonce}`),
        structuredContent: { nonce },
        _meta: { 'kit.test/vendor': { kept: true } },
        'kit.test/unknown': 1,
      };
    },
  },
  {
    canBeTask: true,
    listed: { name: 'job_asks', description: 'Asks while it works', execution, inputSchema: nonced({}) },
    run: async ({ arguments: { nonce }, ask }) => {
      const answers = await ask('one', { user: { method: 'elicitation/create', params: { ...question, message: `Go on, ${nonce}?` } } });
      return { ...text(`asked ${nonce}`), structuredContent: { answers } };
    },
  },
];

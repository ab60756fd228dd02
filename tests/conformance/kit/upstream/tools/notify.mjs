import { JsonText } from '../../wire/json.mjs';
import { levels } from '../../wire/protocol.mjs';

const text = (value) => ({ content: [{ type: 'text', text: value }] });
const nonced = { type: 'object', properties: { nonce: { type: 'string' } } };

const big = new JsonText('9007199254740993');

const logData = (nonce) => [
  nonce,
  { nonce, object: { nested: [1, null] } },
  [nonce, 2, { three: 3 }],
  null,
  42,
  `\u{1f680} ${nonce}\nsecond line`,
];

const steps = [
  { progress: 0, total: 4 },
  { progress: 1, total: 4, message: 'one of four: \u{1f680}' },
  { progress: 1.5, message: 'no total', 'kit.test/unknown': { any: ['thing'] } },
  { progress: 2.25, total: 4.5, _meta: { 'kit.test/vendor': { kept: true } } },
  { progress: 4 },
];

/** Tools that say something while they run, and tools that change what a client may watch. */
export const notifyTools = [
  {
    listed: { name: 'log', description: 'Logs once on every level, with data of every kind', inputSchema: nonced },
    run: ({ log, arguments: { nonce } }) => {
      const data = logData(nonce);
      for (const [index, level] of levels.entries()) {
        log(level, {
          data: data[index % data.length],
          logger: `kit.${level}`,
          _meta: { 'kit.test/vendor': nonce },
          'kit.test/unknown': index,
        });
      }
      return text(`logged ${nonce}`);
    },
  },
  {
    listed: { name: 'log_without_logger', description: 'Logs one line that names no logger', inputSchema: nonced },
    run: ({ log, arguments: { nonce } }) => {
      log('error', { data: nonce });
      return text(`logged ${nonce}`);
    },
  },
  {
    listed: { name: 'progress', description: 'Reports its progress five times', inputSchema: nonced },
    run: ({ progress, arguments: { nonce } }) => {
      for (const step of steps) progress(step);
      return text(`progressed ${nonce}`);
    },
  },
  {
    listed: { name: 'tell_big', description: 'Reports and logs numbers that a double cannot hold', inputSchema: nonced },
    run: ({ progress, log, arguments: { nonce } }) => {
      progress({ progress: big, total: new JsonText('18446744073709551615') });
      log('error', { data: { big: [big] } });
      return text(`told ${nonce}`);
    },
  },
  {
    listed: { name: 'progress_of', description: 'Reports its progress with its nonce', inputSchema: nonced },
    run: async ({ progress, log, arguments: { nonce, times = 3 } }) => {
      for (let step = 1; step <= times; step++) {
        progress({ progress: step, total: times, message: nonce });
        log('error', { data: { nonce, step } });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return text(`progressed ${nonce}`);
    },
  },
  {
    listed: {
      name: 'change',
      description: 'Adds an item to a list, or takes it away again',
      inputSchema: { type: 'object', properties: { kind: { type: 'string', enum: ['tools', 'prompts', 'resources'] } } },
    },
    run: ({ world, arguments: { kind } }) => {
      world.change(kind);
      return text(`changed ${kind}`);
    },
  },
  {
    listed: {
      name: 'touch',
      description: 'Says that a resource changed',
      inputSchema: { type: 'object', properties: { uri: { type: 'string' } } },
    },
    run: ({ world, arguments: { uri } }) => {
      const params = { uri, title: 'Touched', _meta: { 'kit.test/vendor': { touched: true } }, 'kit.test/unknown': 1 };
      world.announce({ method: 'notifications/resources/updated', params });
      return text(`touched ${uri}`);
    },
  },
  {
    listed: { name: 'vendor_notify', description: 'Sends a notification that only its vendor knows', inputSchema: nonced },
    run: ({ notify, arguments: { nonce } }) => {
      notify('notifications/kit.test/happened', { nonce, list: [1, { two: 2 }] });
      return text(`notified ${nonce}`);
    },
  },
];

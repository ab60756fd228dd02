// An MCP server on stdio. Options: --prefix P, --tools N, --init-delay MS.
import { parseArgs } from 'node:util';
import { createAnswers } from './answers.mjs';

const { values } = parseArgs({
  options: {
    prefix: { type: 'string', default: '' },
    tools: { type: 'string', default: '6' },
    'init-delay': { type: 'string', default: '0' },
  },
});
const answer = createAnswers({
  name: 'stdio',
  prefix: values.prefix,
  tools: Number(values.tools),
  initDelayMs: Number(values['init-delay']),
});
let rest = '';

process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  let out = '';
  for (const line of lines) {
    const answered = answer(JSON.parse(line));
    if (typeof answered === 'string') out += `${answered}\n`;
    else void answered?.then((late) => process.stdout.write(`${late}\n`));
  }
  if (out !== '') process.stdout.write(out);
});
process.stdin.on('end', () => process.exit(0));

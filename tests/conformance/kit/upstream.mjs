import { parseArgs } from 'node:util';
import { serveHttp } from './upstream/http.mjs';
import { serveStdio } from './upstream/stdio.mjs';
import { createWorld } from './upstream/world.mjs';

const usage = 'usage: upstream.mjs --stdio | --port <number> [--era both|handshake|modern] [--name <word>]';

const { values } = parseArgs({
  options: {
    stdio: { type: 'boolean', default: false },
    port: { type: 'string' },
    era: { type: 'string', default: 'both' },
    name: { type: 'string', default: 'kit' },
  },
});
const { stdio, era, name } = values;
const port = Number(values.port);
const isUsable =
  ['both', 'handshake', 'modern'].includes(era) &&
  /^[a-z]+$/.test(name) &&
  (stdio ? values.port === undefined : Number.isInteger(port) && port >= 0);

if (!isUsable) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else if (stdio) {
  await serveStdio({ createWorld: (restart) => createWorld({ name, restart }), era });
} else {
  const { url } = await serveHttp({ createWorld: (restart) => createWorld({ name, restart }), era, port });
  process.stdout.write(`${JSON.stringify({ url })}\n`);
}

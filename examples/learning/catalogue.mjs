// One of the servers as a module: `config.server` says which.
import { setTimeout } from 'node:timers/promises';
import { defineModule, defineTool } from '@signalbox/tools';
import { z } from 'zod';
import { SERVERS, toolsOf } from './domains.mjs';

const WORK_MS = 2;

export const module = defineModule({
  name: 'catalogue',
  version: '1.0.0',
  config: z.strictObject({ server: z.enum(SERVERS) }),
  create: ({ server }) => ({
    tools: toolsOf(server).map(({ name, description }) =>
      defineTool({
        name,
        description,
        input: z.object({
          id: z.string().optional().describe('Which one.'),
          fields: z.record(z.string(), z.string()).optional().describe('What to write.'),
        }),
        run: async () => {
          await setTimeout(WORK_MS);
          return { done: `${server} ${name}` };
        },
      }),
    ),
  }),
});

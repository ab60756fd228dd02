import { randomInt } from 'node:crypto';
import { defineModule, defineTool, serve } from '@signalbox/tools';
import { z } from 'zod';

const input = z.object({ count: z.int().min(1).max(100).default(1), sides: z.int().min(2).max(1000).default(6) });
const roll = ({ count, sides }) => ({ rolls: Array.from({ length: count }, () => randomInt(sides) + 1) });
const rollDice = defineTool({ name: 'roll_dice', description: 'Rolls dice.', input, run: roll });

export const module = defineModule({ name: 'dice', version: '1.0.0', tools: [rollDice] });
await serve(module, { entry: import.meta.url });

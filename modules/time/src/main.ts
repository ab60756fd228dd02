import { serve } from '@signalbox/tools';
import { timeModule } from './time-module.ts';

// Serves the module alone: `node dist/main.js`, with `--http [PORT]` for HTTP.
await serve(timeModule);

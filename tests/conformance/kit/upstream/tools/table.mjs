import { askTools } from './ask.mjs';
import { controlTools } from './control.mjs';
import { definitionTools } from './definitions.mjs';
import { jobTools } from './jobs.mjs';
import { notifyTools } from './notify.mjs';
import { oddTools } from './odd.mjs';
import { resultTools } from './results.mjs';

/**
 * Every tool of the kit's server, in the order of its list: what is listed, the generation that has it (both, unless
 * `only` names one), whether it may become a task, and what it does.
 * @type {{ listed: any, only?: 'modern' | 'handshake', canBeTask?: boolean, run: (context: any) => any }[]}
 */
export const toolTable = [...resultTools, ...definitionTools, ...oddTools, ...notifyTools, ...askTools, ...jobTools, ...controlTools];

export { createTimeModule, timeModule, timeModule as module } from './time-module.ts';
export type { TimeModuleOptions } from './time-module.ts';

export { createDataPlane } from './data-plane.ts';
export type { DataPlane, DataPlaneParts } from './data-plane.ts';
export { createOpen } from './upstreams/connect.ts';
export type { ConnectParts, LoadedModule, LoadModule } from './upstreams/connect.ts';
export type { LeadDocuments } from './upstreams/led-documents.ts';
export type { Supervisor } from './upstreams/supervisor.ts';
export type { Upstream } from './upstreams/upstream.ts';

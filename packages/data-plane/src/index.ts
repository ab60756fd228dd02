export { outcomeCodec } from './answers/outcome-bytes.ts';
export type { AnswerCounts } from './stages/cache.ts';
export { createDataPlane } from './data-plane.ts';
export type { DataPlane, DataPlaneParts, SearchExplanation } from './data-plane.ts';
export { createOpen } from './upstreams/connect.ts';
export type { ConnectParts, LoadedModule, LoadModule } from './upstreams/connect.ts';
export type { LeadDocuments } from './upstreams/led-documents.ts';
export type { Supervisor } from './upstreams/supervisor.ts';
export type { Upstream } from './upstreams/upstream.ts';

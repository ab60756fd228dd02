export { serveChannel } from './peers/channel-server.ts';
export type { Channel } from './transports/channel.ts';
export { createChannelPair, planFaults } from './transports/memory.ts';
export type { ChannelPairOptions, Fault, FaultPlan } from './transports/memory.ts';

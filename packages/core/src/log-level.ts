/** Levels of the gateway's own log, least severe first. */
export const GATEWAY_LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type GatewayLogLevel = (typeof GATEWAY_LOG_LEVELS)[number];

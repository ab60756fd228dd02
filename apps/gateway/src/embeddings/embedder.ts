import { GatewayError, type Clock, type Embedder, type EmbeddingsConfig, type Logger, type Store } from '@signalbox/core';
import { createCircuit } from './circuit.ts';
import { createEmbeddingClient } from './embedding-client.ts';
import { createNeedVectors } from './need-vectors.ts';
import { createToolVectors } from './tool-vectors.ts';
import { createVectorStore } from './vector-store.ts';

export interface EmbedderOptions {
  readonly config: EmbeddingsConfig;
  /** Keeps the vectors of tools. */
  readonly store: Store;
  /** Where the token is looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** First pause after a failure, in milliseconds. */
  readonly firstPauseMs?: number;
}

/**
 * An embedder that asks a server. Whoever created it closes it.
 * @throws GatewayError `INVALID_CONFIG` when its token is missing.
 */
export function createEmbedder({
  config,
  store,
  environment,
  clock,
  logger,
  firstPauseMs,
}: EmbedderOptions): Embedder & { close(): Promise<void> } {
  const { url, model, token: reference, dimensions, timeoutMs, weight } = config;
  const token = reference && environment[reference.env];
  if (reference !== undefined && !token)
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot ask for embeddings: the token is to come from environment variable "${reference.env}", which is not set`,
    );
  // Whoever refuses it later would quote it.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot ask for embeddings: the token in environment variable "${reference!.env}" holds characters that no header may hold`,
    );
  const client = createEmbeddingClient({ url, model, token, dimensions });
  const circuit = createCircuit({ clock, logger, ...(firstPauseMs !== undefined && { firstPauseMs }) });
  const tools = createToolVectors({ client, circuit, store: createVectorStore({ store, model, dimensions, logger }), clock, logger });
  const needVectors = createNeedVectors({ client, circuit, timeoutMs, onLength: tools.setLength });
  return {
    weight,
    get version() {
      return tools.version;
    },
    setTools: tools.setTools,
    vectorOf: tools.vectorOf,
    // With nothing to compare them to there is no use in asking.
    embed: (needs) => (tools.size === 0 ? needs.map(() => undefined) : needVectors(needs)),
    close: async () => {
      client.close();
      await tools.close();
    },
  };
}

import path from 'node:path';
import { GatewayError, type Clock, type Embedder, type EmbeddingsConfig, type Logger, type Store } from '@signalbox/core';
import { createCircuit } from './circuit.ts';
import { createEmbeddingClient, type EmbeddingClient } from './embedding-client.ts';
import { createLocalModel } from './local-model.ts';
import { openModelFolder } from './model-folder.ts';
import { createNeedVectors } from './need-vectors.ts';
import { createToolVectors } from './tool-vectors.ts';
import { createVectorStore } from './vector-store.ts';

export interface EmbedderOptions {
  readonly config: EmbeddingsConfig;
  /** Where a relative path of a model begins. */
  readonly configDir: string;
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
 * An embedder that asks a server, or a model of its own. Whoever created it closes it.
 * @throws GatewayError `INVALID_CONFIG` when its token or its model is missing.
 */
export function createEmbedder(options: EmbedderOptions): Embedder & { close(): Promise<void> } {
  const { config, store, clock, logger, firstPauseMs } = options;
  const { dimensions, timeoutMs, weight } = config;
  const { client, model } = openSource(options);
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

function openSource({ config, configDir, environment }: EmbedderOptions): { readonly client: EmbeddingClient; readonly model: string } {
  const { url, model = '', path: folder, token: reference, dimensions } = config;
  if (url === undefined) {
    const found = openModelFolder(path.resolve(configDir, folder!));
    return { client: createLocalModel({ folder: found, dimensions }), model: found.id };
  }
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
  return { client: createEmbeddingClient({ url, model, token, dimensions }), model };
}

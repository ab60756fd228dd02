import type { ModelFolder } from './model-folder.ts';

/** What the thread of a model is started with. */
export type ModelThreadData = Pick<ModelFolder, 'modelFile' | 'tokenizerFile' | 'tokenizerConfigFile' | 'pooling' | 'maxTokens'> & {
  readonly dimensions: number | undefined;
};

export interface TextsMessage {
  readonly id: number;
  readonly texts: readonly string[];
}

export type VectorsMessage =
  | { readonly id: number; readonly vectors: readonly Float32Array[] }
  /** These texts could not be read, or the model gave nonsense. */
  | { readonly id: number; readonly failure: string }
  /** The model cannot be used at all; the thread ends. */
  | { readonly unusable: string };

import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { GatewayError, isObject, toMessage } from '@signalbox/core';

/** A model as a folder holds it, in the layout that exports of sentence transformers have. */
export interface ModelFolder {
  readonly modelFile: string;
  readonly tokenizerFile: string;
  readonly tokenizerConfigFile: string | undefined;
  /** Which part of what the model says of a text stands for the whole. */
  readonly pooling: 'mean' | 'first';
  /** Most tokens of a text. */
  readonly maxTokens: number;
  /** The same as long as the model is. */
  readonly id: string;
}

const MODEL_FILES = ['model.onnx', 'onnx/model.onnx'];
const DEFAULT_MAX_TOKENS = 512;

/** Finds what is needed of a model. @throws GatewayError `INVALID_CONFIG` naming what is missing. */
export function openModelFolder(folder: string): ModelFolder {
  const modelFile = MODEL_FILES.map((name) => path.join(folder, name)).find(isFile);
  if (modelFile === undefined) throw unusable(folder, `it holds neither ${MODEL_FILES.map((name) => `"${name}"`).join(' nor ')}`);
  const tokenizerFile = path.join(folder, 'tokenizer.json');
  if (!isFile(tokenizerFile)) throw unusable(folder, 'it holds no "tokenizer.json"');
  const tokenizerConfigFile = path.join(folder, 'tokenizer_config.json');
  const { size, mtimeMs } = statSync(modelFile);
  const pooling = readJson(folder, '1_Pooling/config.json');
  const most = readJson(folder, 'config.json')['max_position_embeddings'];
  return {
    modelFile,
    tokenizerFile,
    tokenizerConfigFile: isFile(tokenizerConfigFile) ? tokenizerConfigFile : undefined,
    pooling: pooling['pooling_mode_cls_token'] === true ? 'first' : 'mean',
    maxTokens: typeof most === 'number' && most > 2 ? Math.min(most, DEFAULT_MAX_TOKENS) : DEFAULT_MAX_TOKENS,
    id: `file:${modelFile} ${size} ${Math.round(mtimeMs)}`,
  };
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

function readJson(folder: string, name: string): Readonly<Record<string, unknown>> {
  const file = path.join(folder, name);
  if (!isFile(file)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isObject(value) ? value : {};
  } catch (error) {
    throw unusable(folder, `"${name}" cannot be read: ${toMessage(error)}`);
  }
}

function unusable(folder: string, why: string): GatewayError {
  return new GatewayError('INVALID_CONFIG', `Cannot use the embedding model in "${folder}": ${why}`);
}

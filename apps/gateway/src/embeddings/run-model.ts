import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { toMessage } from '@signalbox/core';
import type { InferenceSession, TypedTensor } from 'onnxruntime-web';
import type { ModelThreadData, TextsMessage, VectorsMessage } from './model-messages.ts';

/** The packages that a model needs and the gateway does not. */
const PACKAGES = 'onnxruntime-web @huggingface/tokenizers';
/** What some models give beside the vectors of tokens: the vector of the text. */
const WHOLE = 'sentence_embedding';

type Vectors = (texts: readonly string[]) => Promise<Float32Array[]>;

/** Runs in a thread of its own: loads a model, and answers with the vectors of texts. */
export async function runModel(): Promise<void> {
  const port = parentPort!;
  const say = (message: VectorsMessage, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  let vectorsOf: Vectors;
  try {
    vectorsOf = await loadModel(workerData as ModelThreadData);
  } catch (error) {
    say({ unusable: describe(error) });
    return port.close();
  }
  const answer = async ({ id, texts }: TextsMessage): Promise<void> => {
    try {
      const vectors = await vectorsOf(texts);
      say(
        { id, vectors },
        vectors.map(({ buffer }) => buffer as ArrayBuffer),
      );
    } catch (error) {
      say({ id, failure: toMessage(error) });
    }
  };
  // One after the other: the model has one place to work in.
  let last = Promise.resolve();
  port.on('message', (message: TextsMessage) => (last = last.then(() => answer(message))));
}

async function loadModel({
  modelFile,
  tokenizerFile,
  tokenizerConfigFile,
  pooling,
  maxTokens,
  dimensions,
}: ModelThreadData): Promise<Vectors> {
  const [ort, { Tokenizer }] = await Promise.all([import('onnxruntime-web'), import('@huggingface/tokenizers')]);
  // A thread that starts threads would keep more cores busy than it was given.
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const tokenizer = new Tokenizer(readJson(tokenizerFile), tokenizerConfigFile === undefined ? {} : readJson(tokenizerConfigFile));
  const session = await ort.InferenceSession.create(readFileSync(modelFile), { executionProviders: ['wasm'] });
  const tensorOf = (rows: readonly (readonly number[])[], columns: number) => {
    const data = new BigInt64Array(rows.length * columns);
    for (const [row, values] of rows.entries())
      for (const [column, value] of values.entries()) data[row * columns + column] = BigInt(value);
    return new ort.Tensor('int64', data, [rows.length, columns]);
  };
  return async (texts) => {
    const rows = texts.map((text) => shorten(tokenizer.encode(text).ids, maxTokens));
    const columns = Math.max(...rows.map(({ length }) => length));
    const given: Readonly<Record<string, readonly (readonly number[])[]>> = {
      input_ids: rows,
      attention_mask: rows.map((row) => row.map(() => 1)),
      token_type_ids: [],
    };
    const feeds: Record<string, TypedTensor<'int64'>> = {};
    for (const name of session.inputNames) {
      const values = given[name];
      if (values === undefined) throw new Error(`the model wants "${name}", which is not known here`);
      feeds[name] = tensorOf(name === 'token_type_ids' ? rows.map(() => []) : values, columns);
    }
    const outputs = await session.run(feeds);
    return rows.map((row, index) => toVector(outputs, { index, tokens: row.length, pooling, dimensions }));
  };
}

// What ends a text for the model stays at its end.
function shorten(ids: readonly number[], maxTokens: number): readonly number[] {
  return ids.length <= maxTokens ? ids : [...ids.slice(0, maxTokens - 1), ids.at(-1)!];
}

interface Pooled {
  readonly index: number;
  readonly tokens: number;
  readonly pooling: ModelThreadData['pooling'];
  readonly dimensions: number | undefined;
}

function toVector(outputs: InferenceSession.OnnxValueMapType, { index, tokens, pooling, dimensions }: Pooled): Float32Array {
  const tensor = outputs[WHOLE] ?? Object.values(outputs)[0];
  if (tensor === undefined || !('data' in tensor) || !(tensor.data instanceof Float32Array))
    throw new Error('the model gives no numbers of 32 bits');
  const { data, dims } = tensor;
  const width = dims.at(-1)!;
  const length = dimensions ?? width;
  if (length > width) throw new Error(`the model gives ${width} numbers, and ${length} are wanted`);
  const vector = new Float32Array(length);
  // With two dimensions it has made one vector of each text, with three one of each token.
  const columns = dims.length === 2 ? 1 : dims[1]!;
  const used = columns === 1 || pooling === 'first' ? 1 : tokens;
  for (let token = 0; token < used; token++) {
    const start = (index * columns + token) * width;
    for (let place = 0; place < length; place++) vector[place]! += data[start + place]! / used;
  }
  const norm = Math.hypot(...vector);
  if (norm === 0 || !Number.isFinite(norm)) throw new Error('the model gives a vector without a direction');
  return vector.map((value) => value / norm);
}

function readJson(file: string): object {
  return JSON.parse(readFileSync(file, 'utf8')) as object;
}

function describe(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_MODULE_NOT_FOUND' ? `its packages are not installed; install them with: npm install ${PACKAGES}` : toMessage(error);
}

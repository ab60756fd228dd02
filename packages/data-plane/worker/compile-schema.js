// Compiles one JSON Schema to the source of a validation function, in a worker thread: a large schema takes long.
// Plain JavaScript, because a worker is started from a file and sources and build share this one.
import { parentPort, workerData } from 'node:worker_threads';
import standalone from 'ajv/dist/standalone/index.js';
import { createAjv } from './create-ajv.js';

const ajv = await createAjv(workerData.isDraft7, { source: true });
const validate = ajv.compile(workerData.schema);
parentPort?.postMessage(standalone.default(ajv, validate));

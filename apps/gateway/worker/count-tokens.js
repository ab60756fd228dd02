// Counts tokens, so that neither the tokenizer's half a second nor its memory is the gateway's. Plain JavaScript, because a thread is
// started from a file and sources and build share this one; what it runs is the build.
import { parentPort } from 'node:worker_threads';
import { countTextTokens } from '../dist/learning/count-tokens.js';

parentPort.on('message', (texts) => parentPort.postMessage(texts.map(countTextTokens)));

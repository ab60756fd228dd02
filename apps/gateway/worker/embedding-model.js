// Runs an embedding model, so that its time and its memory are not the gateway's. Plain JavaScript, because a thread is started from a
// file and sources and build share this one; what it runs is the build.
import { runModel } from '../dist/embeddings/run-model.js';

await runModel();

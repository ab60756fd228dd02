// The thread that learns. Plain JavaScript, because a thread is started from a file and sources and build share this one; what it
// runs is the build.
import { workerData } from 'node:worker_threads';
import { readThreadId } from '../dist/learner/processor-time.js';

// Whoever waits for a sign of life has to know it before the rest is loaded, which takes a while.
Atomics.store(new Int32Array(workerData.beat), 1, readThreadId());
const { runLearner } = await import('../dist/learner/thread.js');
await runLearner();

// The thread that learns. Plain JavaScript, because a thread is started from a file and sources and build share this one; what it
// runs is the build.
import { runLearner } from '../dist/learner/thread.js';

await runLearner();

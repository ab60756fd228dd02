import { setFlagsFromString } from 'node:v8';

/** Has V8 finish patterns that backtrack without end in linear time. Patterns of upstreams' schemas meet arguments of strangers. */
const FINISH_IN_LINEAR_TIME = '--enable-experimental-regexp-engine-on-excessive-backtracks';
/** Lets code ask whether a pattern is one of those that can be. */
const TELL_WHICH = '--enable-experimental-regexp-engine';

/** Bounds the time of regular expressions in this process. To be called before any that matter are made. */
export function boundRegExpTime(): void {
  setFlagsFromString(FINISH_IN_LINEAR_TIME);
  setFlagsFromString(TELL_WHICH);
}

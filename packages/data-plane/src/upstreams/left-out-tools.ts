import type { LeftOutTool, Logger } from '@signalbox/core';

const MAX_LOGGED = 10;

/** The tools of one upstream that are not offered on. Says so in the log whenever they change. */
export class LeftOutTools {
  readonly #logger: Logger;
  #tools: readonly LeftOutTool[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get current(): readonly LeftOutTool[] {
    return this.#tools;
  }

  /** Takes what the last list left out. */
  replace(tools: readonly LeftOutTool[]): void {
    const isNews = JSON.stringify(tools) !== JSON.stringify(this.#tools);
    this.#tools = tools;
    if (isNews && tools.length > 0) {
      this.#logger.warn('tools left out: their definitions are invalid', { count: tools.length, tools: tools.slice(0, MAX_LOGGED) });
    }
  }
}

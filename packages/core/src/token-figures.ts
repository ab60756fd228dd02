/** Tells how many tokens texts are to a model. Counted behind everybody's back: whoever asks estimates where there is no answer. */
export interface TokenFigures {
  /** Says which texts there are, all of them. Those that are not known are counted later, and nobody waits. */
  setTexts(texts: Iterable<string>): void;
  /** Tokens of one of them; `undefined` while it is not counted. */
  tokensOf(text: string): number | undefined;
}

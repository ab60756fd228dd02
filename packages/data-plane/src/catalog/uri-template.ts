/**
 * Builds a test whether a URI fits an RFC 6570 template. It is lenient on purpose: an expression stands for any text
 * that does not cross a slash, `{+x}`, `{#x}` and `{/x*}` for any text at all, because the upstream has the last word.
 */
export function createTemplateMatcher(template: string): (uri: string) => boolean {
  const pieces = template.split(/(\{[^{}]*\})/);
  const literals: string[] = [];
  const isGreedy: boolean[] = [];
  for (const [index, piece] of pieces.entries()) {
    if (index % 2 === 0) literals.push(piece);
    else isGreedy.push(/^\{[+#/?&;.]/.test(piece) || piece.includes('*'));
  }
  return (uri) => fits(uri, literals, isGreedy);
}

// Walks the literals from left to right and takes the first place each one fits; expressions fill the gaps.
function fits(uri: string, literals: readonly string[], isGreedy: readonly boolean[]): boolean {
  if (!uri.startsWith(literals[0]!)) return false;
  let position = literals[0]!.length;
  for (let index = 1; index < literals.length; index++) {
    const literal = literals[index]!;
    const isLast = index === literals.length - 1;
    const found = isLast ? uri.length - literal.length : uri.indexOf(literal, position);
    if (found < position || !uri.startsWith(literal, found)) return false;
    if (!isGreedy[index - 1] && uri.slice(position, found).includes('/')) return false;
    position = found + literal.length;
  }
  return position === uri.length;
}

/**
 * Lists what a source file imports, in order of appearance: static imports and re-exports, bare imports, and dynamic
 * imports whose specifier is plain text.
 * @param {string} source TypeScript or JavaScript.
 * @returns {{ specifier: string, clause: string, isTypeOnly: boolean }[]}
 */
export function importsOf(source) {
  const code = maskComments(source, { templates: true });
  const found = [];
  for (const match of code.matchAll(STATIC_IMPORT)) {
    const [, keyword, clause = '', , specifier] = match;
    found.push({
      at: match.index,
      specifier,
      clause: `${keyword} ${clause.trim()}`.trim(),
      isTypeOnly: /^\s*type\b(?!\s*(?:,|from\b))/.test(clause),
    });
  }
  for (const match of code.matchAll(DYNAMIC_IMPORT)) {
    // `import('x')` stands for a value in code and for a type in `typeof import('x')` and annotations; both are arrows.
    found.push({ at: match.index, specifier: match[2], clause: 'import()', isTypeOnly: false });
  }
  return found
    .toSorted((left, right) => left.at - right.at)
    .map(({ specifier, clause, isTypeOnly }) => ({ specifier, clause, isTypeOnly }));
}

const STATIC_IMPORT = /(?<=^|[;}\n])[ \t]*(import|export)\b((?:\s+type\b)?\s*(?:[\w$*\s{},]*?)\bfrom\s*|\s*)(["'])([^"'\n]+)\3/g;
const DYNAMIC_IMPORT = /\bimport\s*\(\s*(["'])([^"'\n]+)\1\s*[),]/g;

/**
 * Blanks comments, and on request the text of template literals, keeping every offset and line break where it was.
 * @param {string} source
 * @param {{ templates?: boolean }} [options]
 */
export function maskComments(source, { templates = false } = {}) {
  const out = source.split('');
  let position = 0;
  // Brace depth at which each open `${` of a template ends.
  const substitutions = [];
  let depth = 0;

  const blank = (from, to) => {
    for (let index = from; index < to; index++) if (out[index] !== '\n') out[index] = ' ';
  };
  const skipTemplate = (from) => {
    let index = from;
    while (index < source.length && source[index] !== '`') {
      if (source[index] === '\\') index++;
      else if (source[index] === '$' && source[index + 1] === '{') {
        substitutions.push(depth++);
        if (templates) blank(from, index);
        return index + 2;
      }
      index++;
    }
    if (templates) blank(from, index);
    return index + 1;
  };

  while (position < source.length) {
    const character = source[position];
    const next = source[position + 1];
    if (character === '/' && next === '/') {
      const end = endOf(source, '\n', position);
      blank(position, end);
      position = end;
    } else if (character === '/' && next === '*') {
      const end = Math.min(source.length, endOf(source, '*/', position + 2) + 2);
      blank(position, end);
      position = end;
    } else if (character === '"' || character === "'") position = skipQuoted(source, position);
    else if (character === '`') position = skipTemplate(position + 1);
    else if (character === '/' && startsRegex(source, position)) position = skipRegex(source, position);
    else {
      if (character === '{') depth++;
      if (character === '}') depth--;
      position++;
      if (character === '}' && depth === substitutions.at(-1)) {
        substitutions.pop();
        position = skipTemplate(position);
      }
    }
  }
  return out.join('');
}

function endOf(source, text, from) {
  const index = source.indexOf(text, from);
  return index < 0 ? source.length : index;
}

function skipQuoted(source, start) {
  let index = start + 1;
  while (index < source.length && source[index] !== source[start] && source[index] !== '\n') index += source[index] === '\\' ? 2 : 1;
  return index + 1;
}

// A slash divides after a value and begins a regular expression after anything else.
function startsRegex(source, position) {
  const before = source.slice(Math.max(0, position - 40), position).trimEnd();
  if (before === '' || /[(,=:[!&|?{};+\-*%~^<>]$/.test(before)) return true;
  return /\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield)$/.test(before);
}

function skipRegex(source, start) {
  let index = start + 1;
  let isInClass = false;
  while (index < source.length && source[index] !== '\n') {
    if (source[index] === '\\') index++;
    else if (source[index] === '[') isInClass = true;
    else if (source[index] === ']') isInClass = false;
    else if (source[index] === '/' && !isInClass) return index + 1;
    index++;
  }
  return index;
}

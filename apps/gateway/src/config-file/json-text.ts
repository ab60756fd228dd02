import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** Something wrong in a file, at a place an editor can jump to. Lines and columns count from one. */
export interface TextProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** Where in the document, for example `mcpServers.github.timeouts`; absent for syntax. */
  readonly path?: string;
}

export interface JsonText {
  /** Absent when the text holds nothing but blanks and comments. */
  readonly root: Node | undefined;
  readonly syntaxErrors: readonly TextProblem[];
  /** Keys an object has twice. Readers take the last, which is seldom what was meant. */
  readonly repeatedKeys: readonly TextProblem[];
}

const MAX_PROBLEMS = 10;
const BYTE_ORDER_MARK = '\uFEFF';

/** Parses JSON with comments and trailing commas into a tree that knows its offsets, and says what is wrong and how to mend it. */
export function parseJsonText(text: string): JsonText {
  const errors: ParseError[] = [];
  // The scanner knows no byte order mark; a blank in its place keeps all offsets right.
  const scanned = text.startsWith(BYTE_ORDER_MARK) ? ` ${text.slice(1)}` : text;
  const root = parseTree(scanned, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const syntaxErrors = errors.slice(0, MAX_PROBLEMS).map(({ error, offset, length }) => ({
    ...positionAt(text, offset),
    message: syntaxMessage(printParseErrorCode(error), text.slice(offset, offset + length)),
  }));
  return { root, syntaxErrors, repeatedKeys: root === undefined ? [] : findRepeatedKeys(text, root) };
}

/** The line and column, counted from one, of an offset in a text. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

/** The property called `key` of an object node. Of several the last, as every JSON reader takes it. */
export function memberOf(node: Node, key: string): Node | undefined {
  if (node.type !== 'object') return undefined;
  return node.children?.findLast((member) => member.children?.[0]?.value === key);
}

/** The offset of the first character at or after `from` that is neither blank nor part of a comment. */
export function skipTrivia(text: string, from: number): number {
  const trivia = /(?:[\s\uFEFF]|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)*/y;
  trivia.lastIndex = from;
  trivia.exec(text);
  return Math.max(from, trivia.lastIndex);
}

function findRepeatedKeys(text: string, node: Node): TextProblem[] {
  const problems: TextProblem[] = [];
  const seen = new Set<unknown>();
  for (const child of node.children ?? []) {
    if (node.type === 'object') {
      const key = child.children?.[0];
      if (key !== undefined && seen.has(key.value)) {
        problems.push({
          ...positionAt(text, key.offset),
          message: `"${String(key.value)}" stands here a second time; rename or remove one of them`,
        });
      }
      seen.add(key?.value);
    }
    problems.push(...findRepeatedKeys(text, child));
  }
  return problems;
}

function syntaxMessage(code: string, found: string): string {
  switch (code) {
    case 'InvalidSymbol':
      return `"${found}" is not JSON; put text in double quotes`;
    case 'InvalidNumberFormat':
      return `"${found}" is not a number JSON knows; write it in digits or put it in double quotes`;
    case 'PropertyNameExpected':
      return 'a key is missing; put one in double quotes here, or remove the comma before';
    case 'ValueExpected':
      return 'a value is missing; write one here, or remove the key or comma before';
    case 'ColonExpected':
      return 'a colon is missing between key and value; put one here';
    case 'CommaExpected':
      return 'a comma is missing before this; put one at the end of the entry above';
    case 'CloseBraceExpected':
      return 'a "}" is missing; close the object here';
    case 'CloseBracketExpected':
      return 'a "]" is missing; close the list here';
    case 'EndOfFileExpected':
      return 'the document has already ended; remove what follows, or a closing brace too many above';
    case 'UnexpectedEndOfComment':
      return 'a comment is not closed; end it with "*/"';
    case 'UnexpectedEndOfString':
      return 'a text is not closed; end it with a double quote on the same line';
    case 'UnexpectedEndOfNumber':
      return 'a number is cut short; complete it';
    case 'InvalidUnicode':
      return 'a "\\u" is not followed by four hexadecimal digits; complete it';
    case 'InvalidEscapeCharacter':
      return 'a backslash is followed by a character that cannot be escaped; write two backslashes';
    default:
      return 'a character stands here that JSON does not allow; remove it';
  }
}

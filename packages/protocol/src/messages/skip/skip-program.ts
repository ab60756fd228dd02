import { again, get, giveBack, i32, i64, set, until, v128, when, writeModule, type Code, type Func } from './wasm.ts';

/** Where the program keeps what it knows between two runs; each is an i32. */
export const STATE = { depth: 0, isEscaped: 4, isInString: 8 } as const;
/** Where the text lies. It is read in blocks of 64 bytes. */
export const TEXT_START = 64;
export const BLOCK_BYTES = 64;
const PAGES = 2;
/** Room for text, in bytes. */
export const TEXT_BYTES = 65_536;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
// With this bit set, both opening brackets are one byte and both closing ones another.
const BRACKET_BIT = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const EVEN = 0x5555_5555_5555_5555n;
const ODD = -EVEN - 1n;

/**
 * Writes a module whose two functions look for the end of a JSON value, 64 bytes a turn: `skipString` for the quote that
 * closes a string it is in, `skipNested` for the bracket that closes the outermost of those that are open.
 * Both take where to begin and where to stop, a multiple of 64 further on, and give the address behind the end, or 0
 * when the value goes on; `STATE` then says how. Each bit of a 64-bit number stands for one byte of the block.
 */
export function writeSkipProgram(): Uint8Array {
  return writeModule(PAGES, [skipFunction('skipString', stopAtQuote()), skipFunction('skipNested', stopAtDepthZero())]);
}

const AT = 0;
const STOP = 1;
const BYTES = [2, 3, 4, 5] as const;
const BACKSLASHES = 6;
const QUOTES = 7;
const ESCAPED = 8;
const CARRY = 9;
const INSIDE = 10;
const OPENS = 11;
const CLOSES = 12;
const BRACKETS = 13;
const DEPTH = 14;
const COUNT = 15;

function skipFunction(name: string, lookForEnd: Code): Func {
  return {
    name,
    params: ['i32', 'i32'],
    locals: ['v128', 'v128', 'v128', 'v128', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i32', 'i32'],
    body: [
      set(DEPTH, i32.load(STATE.depth)),
      set(CARRY, i64.fromI32(i32.load(STATE.isEscaped))),
      set(INSIDE, i64.sub(i64.of(0n), i64.fromI32(i32.load(STATE.isInString)))),
      until(
        i32.isAtLeast(get(AT), get(STOP)),
        BYTES.map((local, index) => set(local, v128.load(get(AT), 16 * index))),
        set(QUOTES, findByte(QUOTE)),
        set(BACKSLASHES, findByte(BACKSLASH)),
        when(i64.isSet(i64.or(get(BACKSLASHES), get(CARRY))), removeEscapedQuotes()),
        lookForEnd,
        nextBlock(),
      ),
      i32.store(STATE.depth, get(DEPTH)),
      i32.store(STATE.isEscaped, i32.fromI64(get(CARRY))),
      i32.store(STATE.isInString, i32.fromI64(i64.sub(i64.of(0n), get(INSIDE)))),
      i32.of(0),
    ],
  };
}

function findByte(byte: number): Code {
  return BYTES.map((local, index) => i64.shiftLeft(i64.fromI32(v128.bits(v128.isEqual(get(local), v128.fill(byte)))), 16 * index)).reduce(
    (left, right) => i64.or(left, right),
  );
}

// What follows an odd number of backslashes is escaped. Adding the first bit of each run of ones to the run carries it to
// the place behind the run; whether that place is even or odd tells the run's length, knowing where the run began.
function removeEscapedQuotes(): Code {
  const runs = get(BACKSLASHES);
  const firsts = i64.and(runs, i64.not(i64.shiftLeft(runs, 1)));
  const behind = (begin: bigint, end: bigint) => i64.and(i64.add(runs, i64.and(firsts, i64.of(begin))), i64.of(end));
  return [
    set(ESCAPED, get(CARRY)),
    // A backslash that is escaped itself, from the block before, escapes nothing.
    set(BACKSLASHES, i64.and(runs, i64.not(get(CARRY)))),
    set(ESCAPED, i64.or(get(ESCAPED), i64.and(i64.not(runs), i64.or(behind(EVEN, ODD), behind(ODD, EVEN))))),
    set(CARRY, i64.and(i64.leadingZeros(i64.not(runs)), i64.of(1n))),
    set(QUOTES, i64.and(get(QUOTES), i64.not(get(ESCAPED)))),
  ];
}

function stopAtQuote(): Code {
  return when(i64.isSet(get(QUOTES)), giveBack(addressBehind(QUOTES)));
}

function stopAtDepthZero(): Code {
  return [
    // Within a long string nothing else is of interest.
    when(i64.isZero(i64.or(get(QUOTES), i64.not(get(INSIDE)))), nextBlock(), again),
    // Each bit becomes the parity of all quotes up to it: one from an opening quote to before its closing one.
    [1, 2, 4, 8, 16, 32].map((bits) => set(QUOTES, i64.xor(get(QUOTES), i64.shiftLeft(get(QUOTES), bits)))),
    set(QUOTES, i64.xor(get(QUOTES), get(INSIDE))),
    set(INSIDE, i64.shiftRight(get(QUOTES), 63)),
    BYTES.map((local) => set(local, v128.or(get(local), v128.fill(BRACKET_BIT)))),
    set(OPENS, i64.and(findByte(OPEN), i64.not(get(QUOTES)))),
    set(CLOSES, i64.and(findByte(CLOSE), i64.not(get(QUOTES)))),
    set(COUNT, i32.fromI64(i64.ones(get(CLOSES)))),
    // Where fewer close than are open the end cannot be here, whatever their order.
    when(
      i32.isAbove(get(DEPTH), get(COUNT)),
      set(DEPTH, i32.sub(i32.add(get(DEPTH), i32.fromI64(i64.ones(get(OPENS)))), get(COUNT))),
      nextBlock(),
      again,
    ),
    set(BRACKETS, i64.or(get(OPENS), get(CLOSES))),
    until(
      i64.isZero(get(BRACKETS)),
      when(i64.isZero(i64.and(lowestBracket(), get(CLOSES))), set(DEPTH, i32.add(get(DEPTH), i32.of(2)))),
      set(DEPTH, i32.sub(get(DEPTH), i32.of(1))),
      when(i32.isZero(get(DEPTH)), giveBack(addressBehind(BRACKETS))),
      set(BRACKETS, i64.xor(get(BRACKETS), lowestBracket())),
    ),
  ];
}

function lowestBracket(): Code {
  return i64.and(get(BRACKETS), i64.sub(i64.of(0n), get(BRACKETS)));
}

function addressBehind(bits: number): Code {
  return i32.add(i32.add(get(AT), i32.fromI64(i64.trailingZeros(get(bits)))), i32.of(1));
}

function nextBlock(): Code {
  return set(AT, i32.add(get(AT), i32.of(BLOCK_BYTES)));
}

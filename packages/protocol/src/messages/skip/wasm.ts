/** Bytes of WebAssembly instructions, nested as they were put together. Expressions leave one value behind, statements none. */
export type Code = readonly (number | Code)[];

/** A function of a module, by the types of its parameters and locals; all return an i32. */
export interface Func {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

export type ValueType = keyof typeof TYPES;

const TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;

/**
 * Writes a module with one memory, exported as `memory`, and the given functions, exported by name.
 * @param pages Size of the memory, in pages of 64 KiB. It never grows, so views of it stay valid.
 * @see https://webassembly.github.io/spec/core/binary/modules.html
 */
export function writeModule(pages: number, functions: readonly Func[]): Uint8Array {
  const types = functions.map(({ params }): Code => [0x60, list(params.map((type) => [TYPES[type]])), list([[TYPES.i32]])]);
  const exported = functions.map(({ name }, index): Code => [text(name), 0x00, unsigned(index)]);
  const bodies = functions.map(({ locals, body }) => sized([list(locals.map((type) => [1, TYPES[type]])), body, END]));
  const sections: Code = [
    section(1, types),
    section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    section(5, [[0x01, unsigned(pages), unsigned(pages)]]),
    section(7, [[text('memory'), 0x02, 0], ...exported]),
    section(10, bodies),
  ];
  return Uint8Array.from(flat([[0x00, 0x61, 0x73, 0x6d], [0x01, 0x00, 0x00, 0x00], sections]));
}

const END = 0x0b;
const NOTHING = 0x40;

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];
export const giveBack = (value: Code): Code => [value, 0x0f];
export const when = (condition: Code, ...then: Code[]): Code => [condition, 0x04, NOTHING, then, END];
/** Runs its body again and again while the condition, tested before each turn, does not hold. */
export const until = (condition: Code, ...body: Code[]): Code => [
  [0x02, NOTHING, 0x03, NOTHING, condition, 0x0d, 1],
  [body, 0x0c, 0, END, END],
];
/** Begins the next turn of the loop around the `when` it stands in. */
export const again: Code = [0x0c, 1];

export const i32 = {
  of: (value: number): Code => [0x41, signed(BigInt(value))],
  load: (address: number): Code => [i32.of(0), 0x28, 2, unsigned(address)],
  store: (address: number, value: Code): Code => [i32.of(0), value, 0x36, 2, unsigned(address)],
  isZero: (value: Code): Code => [value, 0x45],
  isAbove: binary(0x4b),
  isAtLeast: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  fromI64: (value: Code): Code => [value, 0xa7],
};

export const i64 = {
  of: (value: bigint): Code => [0x42, signed(value)],
  isZero: (value: Code): Code => [value, 0x50],
  isSet: (value: Code): Code => [value, 0x50, 0x45],
  leadingZeros: (value: Code): Code => [value, 0x79],
  trailingZeros: (value: Code): Code => [value, 0x7a],
  ones: (value: Code): Code => [value, 0x7b],
  add: binary(0x7c),
  sub: binary(0x7d),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  not: (value: Code): Code => [value, i64.of(-1n), 0x85],
  shiftLeft: (value: Code, bits: number): Code => [value, i64.of(BigInt(bits)), 0x86],
  /** Fills up with copies of the highest bit. */
  shiftRight: (value: Code, bits: number): Code => [value, i64.of(BigInt(bits)), 0x87],
  fromI32: (value: Code): Code => [value, 0xad],
};

/** Sixteen bytes at once. */
export const v128 = {
  load: (address: Code, offset: number): Code => [address, simd(0x00), 0, unsigned(offset)],
  fill: (byte: number): Code => [i32.of(byte), simd(0x0f)],
  or: (left: Code, right: Code): Code => [left, right, simd(0x50)],
  isEqual: (left: Code, right: Code): Code => [left, right, simd(0x23)],
  /** The highest bit of each byte, as the lowest 16 bits of an i32. */
  bits: (value: Code): Code => [value, simd(0x64)],
};

function binary(opcode: number): (left: Code, right: Code) => Code {
  return (left, right) => [left, right, opcode];
}

function simd(opcode: number): Code {
  return [0xfd, unsigned(opcode)];
}

function section(id: number, entries: readonly Code[]): Code {
  return [id, sized(list(entries))];
}

function sized(content: Code): Code {
  const bytes = flat(content);
  return [unsigned(bytes.length), bytes];
}

function list(entries: readonly Code[]): Code {
  return [unsigned(entries.length), entries];
}

function text(name: string): Code {
  return sized([...Buffer.from(name)]);
}

function flat(code: Code, bytes: number[] = []): number[] {
  for (const part of code) {
    if (typeof part === 'number') bytes.push(part);
    else flat(part, bytes);
  }
  return bytes;
}

// Numbers are written seven bits at a time, the lowest first (LEB128).
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, unsigned(value >>> 7)];
}

function signed(value: bigint): Code {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40);
  return isLast ? [low] : [low | 0x80, signed(rest)];
}

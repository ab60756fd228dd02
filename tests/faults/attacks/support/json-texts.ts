// Texts that are JSON and texts that are not, one kind of fault each, by the part of the grammar they are about.
// https://www.rfc-editor.org/rfc/rfc8259

/** Texts by what they are about. */
export type Texts = readonly (readonly [about: string, texts: readonly (string | Buffer)[]])[];

const inQuotes = (...bytes: readonly number[]) => Buffer.from([0x22, ...bytes, 0x22]);
const CONTROLS = Array.from({ length: 0x20 }, (_, code) => `"a${String.fromCharCode(code)}b"`);

/** Texts that hold no white space themselves, written with some between them. A backslash is one. */
function split(parts: TemplateStringsArray): string[] {
  return parts.raw[0]!.trim().split(/[ \n]+/);
}

/** None of these is JSON. */
export const NO_JSON: Texts = [
  [
    'numbers',
    split`
      +1 ++1 - --1 -+1 -01 01 00 012 -00 1. -1. .1 -.1 . 1..2 0.1.2 1.2. 1.5. #1
      1e 1E 1e+ 1e- 1E+ 1E- 0e 0e+ 1.e1 0.e1 1.5e 1.5e+ 1.5e- 1eE2 1e1.5 1e1e1 e1 -e1 .e1 1e1- 1e--1
      0x1 0x 0X1F -0x1 0b1 0o7 1_000 1,000 1a -1x 1f 1L 1n 1/2 1+2 1- 1*2 1%
      NaN -NaN nan Inf Infinity -Infinity +Infinity -foo １ ٣ ½ -１
    `,
  ],
  ['numbers with something between', ['- 1', '1 000', '1\u00a0', '1\0', '1 e1', '1. 5', '1\t2']],
  [
    'words',
    split`
      nul nulll Null NULL tru truee True TRUE fals falsee False FALSE undefined None nil yes no true,false t f n abc -true not null;
      nulltrue
    `,
  ],
  [
    'text',
    split`
      " "a a" "a"b" 'a' “a” "a\" "\ "\\\" "a"+"b" ""a"" "a""b" \"a\"
      "\a" "\v" "\0" "\e" "\'" "\x41" "\B" "\N" "\1" "\😀" "\?" "\[" "\U0041"
      "\u" "\u0" "\u00" "\u004" "\u00G0" "\u{41}" "\u+041" "\u-041" "\ud83d\u" "\ud83d\ude0" "\ud83d\ "\u００41"
    `,
  ],
  ['text with something between', ['"a" "b"', '"a"\0', '"\\ "', '"\\\n"', '"\\u 041"', '`a`', 'true false']],
  ['control characters in text', CONTROLS],
  [
    'lists',
    split`
      [ ] [1 [1, [1,] [1,,2] [,1] [,] [1:2] [1;2] ["a", ["a" [x] [*] []] [[] [1]] [][] [1} [(1)] [1,2,3 [...1] [-] [\n] [,,]
      [1,true,] [[1],] [1,[2] ["a]
    `,
  ],
  ['lists with something between', ['[1 2]', '["a" "b"]', '[1\n,2', '[1\0]', '[\f1]', '[1,\u00a02]']],
  [
    'objects',
    split`
      { } {" {"a {"a" {"a": {"a":1 {"a":1, {"a":1,} {"a":1,,"b":2} {,"a":1} {,} {"a"} {"a":} {"a"::1} {"a":1:2} {"a":1;"b":2}
      {"a"=1} {"a"=>1} {"a",1} {:1} {"a":b} {a:1} {'a':1} {'a':'b'} {"a":'b'} {1:1} {null:1} {true:1} {[]:1} {{}:1} {"a":1}}
      {{"a":1}} {"a":1}{"b":2} {"a":1}, {"a":1] {"a":[1} {"a":{"b":1} {😀:1} {"a":"b} {"a":"b",c} {...{}} {"a""b"} {"a":1"b":2}
    `,
  ],
  ['objects with something between', ['{"a" 1}', '{"a":1 "b":2}', '{"a"\0:1}', '{"a"\u00a0:1}', '{"a":\v1}']],
  [
    'what stands around a value',
    split`
      []x 1] 1} [} {] [{]} , : 1; 1, ,1 () <a/> /**/1 1/**/ 1// [1/**/] {"a":/*b*/1} {"a":1}# =1 \1 $ )]}',1 //1 #1
    `,
  ],
  [
    'what is nothing, or stands around a value unseen',
    [
      ...[...'\0\f\v\b\u00a0\u2028\u2060\u200b\ufeff\x1e'].flatMap((space) => [`${space}1`, `1${space}`, `[${space}]`]),
      '',
      ' ',
      '\t\r\n',
      '\0',
      '<!-- -->',
      '//\n1',
      '#\n1',
      '--\n1',
      '[1]\n[2]',
      '[\u2003]',
      '[\u0085]',
      '\ufeff',
      '\ufeff{}',
      '['.repeat(100_000),
      '[{"":'.repeat(50_000),
      Buffer.from('\ufeff{"a":1}', 'utf16le'),
      Buffer.from('{"a":1}', 'utf16le'),
      Buffer.from('{"a":1}', 'utf16le').swap16(),
    ],
  ],
  [
    'bytes that are no UTF-8',
    [
      inQuotes(0x80),
      inQuotes(0xbf, 0x61),
      inQuotes(0xc0, 0x80),
      inQuotes(0xc1, 0xbf),
      inQuotes(0xe0, 0x80, 0xaf),
      inQuotes(0xe0, 0x9f, 0xbf),
      inQuotes(0xf0, 0x80, 0x80, 0xaf),
      inQuotes(0xf0, 0x8f, 0xbf, 0xbf),
      inQuotes(0xc3),
      inQuotes(0xc3, 0x28),
      inQuotes(0xe2, 0x82),
      inQuotes(0xe2, 0x28, 0xa1),
      inQuotes(0xf0, 0x9f, 0x98),
      inQuotes(0xfe),
      // Surrogates, alone and as a pair.
      inQuotes(0xed, 0xa0, 0x80),
      inQuotes(0xed, 0xbf, 0xbf),
      inQuotes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80),
      // Beyond the last character.
      inQuotes(0xf4, 0x90, 0x80, 0x80),
      inQuotes(0xf5, 0x80, 0x80, 0x80),
      inQuotes(0xf8, 0x88, 0x80, 0x80, 0x80),
      inQuotes(0xff),
      // Another encoding.
      inQuotes(0x63, 0x61, 0x66, 0xe9),
      Buffer.from([0x5b, 0xe9, 0x5d]),
      Buffer.from([0xff]),
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    ],
  ],
];

/** Each of these is JSON, and says what it says in its own way. */
export const JSON_TEXTS: Texts = [
  [
    'numbers',
    [
      ...split`
        0 -0 1 -1 10 123 0.0 -0.0 0.1 1.5 -1.5 1.50 1e1 1E1 1e+1 1E+1 1e-1 1E-1 0e1 0e+1 0E-0 -0e-0 1.5e10 123e65 1e400 -1e400 1e-400
        9007199254740993 -9223372036854775808 1e00 0.1e01 3.141592653589793238462643383279 18446744073709551616
      `,
      `1${'0'.repeat(100)}`,
      `0.${'0'.repeat(80)}1`,
    ],
  ],
  ['words', ['true', 'false', 'null']],
  [
    'text',
    [
      ...split`
        "" "a" "\"" "\\" "\/" "/" "\b" "\f" "\n" "\r" "\t" "\u0000" "\u0041" "\u00e9" "\u00E9" "\u2028" "\ud83d\ude00"
        "\uD83D\uDE00" "\ud800" "\udc00" "\ude00\ud83d" "\ud800a" "\ud800\ud800" "\uffff" "\ufffe" "\\u0000" "é" "世界" "😀" "//"
        "/*a*/" "[1" "{\"a" "]}" "'" "<script>" "=?base64?eA==?=" "\u0022" "\u005c" "a\u0000b" "null"
      `,
      ...[...'\u2028\u2029\ufeff\u00a0\u007f\u0080\ufffe\uffff\u{10ffff}\u202e'].map((character) => `"${character}"`),
      '" "',
      '"e\u0301"',
      `"${'x'.repeat(100_000)}"`,
      `"${'\\"'.repeat(10_000)}"`,
      `"${'\\\\'.repeat(10_001)}"`,
    ],
  ],
  [
    'lists',
    [
      ...split`[] [[]] [[],[]] [1] [null] [1,null,true,"a",{},[]] [""] [[[[]]]] [{}] [{},{}] [0.1e1,-0] ["]"] ["\""]`,
      '[ ]',
      '[\n]',
      '[1 ]',
      '[ 1]',
      '[1 , 2]',
      `${'['.repeat(50)}${']'.repeat(50)}`,
      `[${'1,'.repeat(9_999)}1]`,
    ],
  ],
  [
    'objects',
    [
      ...split`
        {} {"a":1} {"a":1,"b":2} {"":1} {"":{"":[]}} {"a":{"b":{"c":1}}} {"a":[]} {"a":null} {"\u0000":1} {"é":1} {"😀":1} {"a\"b":1}
        {"a":"a"} {"A":1,"a":2} {"1":1} {":":1} {"{":1} {"\ud800":1} {"toString":1} {"length":1} {"b":1,"a":2}
      `,
      '{ }',
      '{\t}',
      '{ "a" : 1 }',
      '{"a b":1}',
      '{"a":"x","é":"x","e\u0301":"x"}',
      `{"${'k'.repeat(5_000)}":1}`,
      `{${Array.from({ length: 1_000 }, (_, index) => `"k${index}":${index}`).join(',')}}`,
    ],
  ],
];

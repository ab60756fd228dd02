import { JsonText } from '../../wire/json.mjs';

const inStructured = (json) => new JsonText(`{"content":[{"type":"text","text":"odd"}],"structuredContent":{"value":${json}}}`);
const nested = (depth) => `${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`;

/** JSON that is odd and legal, by name, written as it is. */
export const oddities = {
  integers: inStructured('[9007199254740993,-9007199254740993,18446744073709551615,123456789012345678901234567890]'),
  fractions: inStructured('[0.1000000000000000055511151231257827,3.14159265358979323846264338327950288,1e-400]'),
  exponents: inStructured('[1E400,-1e+400,1.5E3,2e-7,0e0]'),
  zeroes: inStructured('[0,-0,0.0,1.0,10.00]'),
  spaces: inStructured(' [ 1 ,\t2 , { "a" : [ ] , "b" : { } } ] '),
  escapes: inStructured('["\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\","\\u0000","\\u2028\\u2029","\\ud83d\\ude80","\\uD83D\\uDE80"]'),
  surrogates: inStructured('["\\ud800","x\\udc00y","\\udc00\\ud800"]'),
  unicode: inStructured('["grüße","中文","\u{1f468}\u200d\u{1f469}\u200d\u{1f467}","e\u0301","\u202eright","\ufeffbom","\u0085"]'),
  names: inStructured(
    '{"":1,"__proto__":{"polluted":true},"constructor":2,"toString":3,"a.b":4,"a/b~":5," ":6,"ключ":7,"\\ud83d\\ude80":8}',
  ),
  deep: inStructured(nested(60)),
  wide: inStructured(`[${Array.from({ length: 2000 }, (_, index) => `{"i":${index}}`).join(',')}]`),
  large: inStructured(JSON.stringify('0123456789abcdef'.repeat(20_000))),
  empties: inStructured('[{},[],"",null,false,[[]],[{}]]'),
  sameText: inStructured('{"jsonrpc":"2.0","id":1,"result":{"resultType":"x"},"_meta":{"progressToken":1},"nextCursor":""}'),
};

/** The tool that answers them. */
export const oddTools = [
  {
    listed: {
      name: 'odd',
      description: 'Answers JSON that is odd and legal',
      inputSchema: { type: 'object', properties: { which: { type: 'string', enum: Object.keys(oddities) } } },
    },
    run: ({ arguments: { which } }) => oddities[which],
  },
];

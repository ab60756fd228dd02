import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WireWriter } from '@signalbox/core';

/** Words of the model, each with the vector that it stands for; what comes first belongs to the tokenizer. */
const WORDS: readonly (readonly [word: string, vector: readonly [number, number, number]])[] = [
  ['[PAD]', [0, 0, 0]],
  ['[UNK]', [0, 0, 0.1]],
  ['[CLS]', [0, 0, 0.1]],
  ['[SEP]', [0, 0, 0.1]],
  ['buy', [1, 0, 0]],
  ['purchase', [0.9, 0.1, 0]],
  ['car', [2, 0, 0]],
  ['auto', [2, 0, 0]],
  ['##mobile', [2, 0, 0]],
  ['doctor', [0, 2, 0]],
  ['physician', [0, 2, 0]],
  ['find', [0, 0.2, 0]],
];
const SPECIAL = WORDS.slice(0, 4).map(([word]) => word);

const [FLOAT, INT64] = [1, 7] as const;
const IR_VERSION = 8;
const OPERATORS = 13;

/**
 * Writes a model that is small and real, in the layout of sentence transformers: its vector of a token is a row of a table, and words
 * of the same meaning have much the same row.
 */
export async function writeTinyModel(folder: string, { maxTokens = 512 } = {}): Promise<void> {
  await mkdir(path.join(folder, 'onnx'), { recursive: true });
  await writeFile(path.join(folder, 'onnx', 'model.onnx'), writeModel());
  await writeFile(path.join(folder, 'tokenizer.json'), JSON.stringify(writeTokenizer()));
  await writeFile(path.join(folder, 'config.json'), JSON.stringify({ max_position_embeddings: maxTokens }));
}

// As https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has it: one Gather of the table by the numbers of the tokens.
function writeModel(): Uint8Array {
  const table = Buffer.alloc(WORDS.length * 3 * 4);
  for (const [index, value] of WORDS.flatMap(([, vector]) => vector).entries()) table.writeFloatLE(value, index * 4);
  const writer = new WireWriter(4_096);
  writer.uint(1, IR_VERSION);
  writer.message(7, (graph) => {
    graph.message(1, (node) => {
      for (const input of ['table', 'input_ids']) node.element(1, input);
      node.element(2, 'last_hidden_state');
      node.text(4, 'Gather');
    });
    graph.text(2, 'tiny');
    graph.message(5, (tensor) => {
      tensor.uint(1, WORDS.length);
      tensor.uint(1, 3);
      tensor.uint(2, FLOAT);
      tensor.text(8, 'table');
      tensor.bytes(9, table);
    });
    const describe = (field: number, name: string, type: number, width?: number): void =>
      graph.message(field, (value) => {
        value.text(1, name);
        value.message(2, (of) => of.message(1, (tensor) => writeShape(tensor, type, width)));
      });
    describe(11, 'input_ids', INT64);
    describe(11, 'attention_mask', INT64);
    describe(12, 'last_hidden_state', FLOAT, 3);
  });
  writer.message(8, (operators) => operators.uint(2, OPERATORS));
  return writer.written;
}

function writeShape(tensor: WireWriter, type: number, width: number | undefined): void {
  tensor.uint(1, type);
  tensor.message(2, (shape) => {
    for (const name of ['batch', 'sequence']) shape.message(1, (dimension) => dimension.text(2, name));
    if (width !== undefined) shape.message(1, (dimension) => dimension.uint(1, width));
  });
}

function writeTokenizer(): object {
  const token = (content: string) => ({ SpecialToken: { id: content, type_id: 0 } });
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({ id, content, ...plain })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, token('[SEP]')],
      pair: [],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((content) => [content, { id: content, ids: [SPECIAL.indexOf(content)], tokens: [content] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(WORDS.map(([word], id) => [word, id])),
    },
  };
}

/** @module From a text to ids: added tokens, normalizers, pre-tokenizers, the model, and the template. */
import { AddedTokenFinder } from './added-tokens.ts';
import type { AddedToken, PreTokenizerDescription, TokenizerDescription } from './format/description.ts';
import type { TokenizerFile } from './format/file.ts';
import { ByteLevelBpe } from './models/byte-level-bpe.ts';
import { createModel } from './models/create-model.ts';
import { Ids } from './models/ids.ts';
import type { TokenizerModel } from './models/model.ts';
import { createNormalizer, type Normalize } from './normalizers/normalizers.ts';
import { wordEnd } from './pre-tokenizers/gpt2-words.ts';
import { createPreTokenizer, type PreTokenize } from './pre-tokenizers/pre-tokenizers.ts';

export interface EncodeOptions {
  /**
   * Special tokens in the text, such as `<|endoftext|>`, are text like other text: `split_special_tokens` of
   * transformers. Default: what the tokenizer's files say, which mostly is false.
   */
  readonly splitSpecialTokens?: boolean | undefined;
  /** The ids of the tokenizer's template, such as a beginning of text, are added. Default: true. */
  readonly addSpecialTokens?: boolean | undefined;
}

export class Pipeline {
  readonly #description: TokenizerDescription;
  /** Of the tokens that are looked for before the text is normalized, and after. */
  readonly #beforeNormalizer: AddedTokenFinder;
  readonly #afterNormalizer: AddedTokenFinder | undefined;
  readonly #normalize: Normalize;
  readonly #preTokenize: PreTokenize<Ids>;
  readonly #model: TokenizerModel;

  constructor({ description, tables }: TokenizerFile) {
    const { added, normalizers, preTokenizers } = description;
    this.#description = description;
    this.#model = createModel(description, tables);
    this.#normalize = createNormalizer(normalizers, tables);
    const finderOf = (tokens: readonly AddedToken[], contentOf: (token: AddedToken) => string) =>
      new AddedTokenFinder(tokens.map((token) => [contentOf(token), token] as const));
    const normalized = added.filter((token) => token.normalized);
    this.#beforeNormalizer = finderOf(
      added.filter((token) => !token.normalized),
      ({ content }) => content,
    );
    if (normalized.length > 0) {
      this.#afterNormalizer = finderOf(normalized, ({ content }) => this.#normalize(content));
    }
    // GPT-2's own words are found in UTF-8, and the model takes them as they lie there.
    const last = preTokenizers.at(-1);
    const inBytes = last?.type === 'ByteLevel' && last.useRegex && !last.addPrefixSpace && !last.toSymbols;
    const model = this.#model;
    this.#preTokenize =
      inBytes && model instanceof ByteLevelBpe
        ? createPreTokenizer(preTokenizers.slice(0, -1), (piece, ids) => encodeWords(piece, model, ids))
        : createPreTokenizer(preTokenizers, (piece, ids) => model.encode(piece, ids));
  }

  /** The ids of a text. A lone surrogate counts as U+FFFD. */
  encode(
    text: string,
    { splitSpecialTokens, addSpecialTokens = true }: EncodeOptions = {},
  ): Int32Array<ArrayBuffer> {
    const ids = new Ids();
    const { template, splitSpecialTokens: splitsByDefault } = this.#description;
    const { before, after } = template;
    if (addSpecialTokens) for (const id of before) ids.push(id);
    this.#encodeText(text.toWellFormed(), splitSpecialTokens ?? splitsByDefault, ids);
    if (addSpecialTokens) for (const id of after) ids.push(id);
    return ids.toArray();
  }

  #encodeText(text: string, splitSpecial: boolean, ids: Ids): void {
    const token = ({ id }: AddedToken) => ids.push(id);
    this.#beforeNormalizer.scan(text, splitSpecial, {
      token,
      text: (start, end) => {
        const normalized = this.#normalize(text.slice(start, end));
        if (normalized === '') return;
        const isFirst = start === 0 && this.#keepsStart(text);
        if (!this.#afterNormalizer) {
          this.#preTokenize(normalized, isFirst, ids);
          return;
        }
        this.#afterNormalizer.scan(normalized, splitSpecial, {
          token,
          text: (from, to) => this.#preTokenize(normalized.slice(from, to), isFirst && from === 0, ids),
        });
      },
    });
  }

  /** Whether the normalizer leaves something of the text's first character. If not, no piece begins where the text does. */
  #keepsStart(text: string): boolean {
    if (!this.#description.preTokenizers.some(asksForStart)) return true;
    return this.#normalize(String.fromCodePoint(text.codePointAt(0) ?? 0)) !== '';
  }
}

/** The pre-tokenizer asks for the beginning of the text as it was sent. */
const asksForStart = (step: PreTokenizerDescription) =>
  step.type === 'Metaspace' && step.prependScheme === 'first';

function encodeWords(text: string, model: ByteLevelBpe, ids: Ids): void {
  const utf8 = new TextEncoder().encode(text);
  ids.reserve(utf8.length); // a token has at least one byte
  for (let start = 0; start < utf8.length; ) {
    const end = wordEnd(utf8, start);
    model.encodeBytes(utf8, start, end, ids);
    start = end;
  }
}

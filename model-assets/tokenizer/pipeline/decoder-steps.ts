/** @module The decoder of a `tokenizer.json`: its steps, each as what it makes of a token. */
import * as z from 'zod';
import type { Replacement } from '../../../tokenizer/format/text-description.ts';
import { check, excerpt, fail } from '../files/folder.ts';
import type { Step } from '../files/tokenizer-json.ts';
import type { LocatedStep } from './steps.ts';

/** Where a token stands in its text. */
export interface Place {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export type TokenStep = (token: string, place: Place) => string;

/** What a decoder does. All steps in the order in which they apply. */
export interface DecoderSteps {
  /** The tokens are bytes, in GPT-2's symbols; there are no other steps. */
  readonly isByteLevel: boolean;
  /** What happens to each token. */
  readonly steps: readonly TokenStep[];
  /** The number of those before tokens such as `<0x0A>` become bytes; null if they stay as they are. */
  readonly beforeBytes: number | null;
  /** What is replaced in the text of such bytes. */
  readonly inRuns: readonly Replacement[];
  /** Whether the text loses a space that it begins with. */
  readonly stripsText: boolean;
  /** What is replaced in the whole text. */
  readonly replacements: readonly Replacement[];
}

const pattern = z.union([z.object({ String: z.string().min(1) }), z.object({ Regex: z.string() })]);
const decoderStep = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('WordPiece'),
    prefix: z.string().default('##'),
    cleanup: z.boolean().default(true),
  }),
  z.object({
    type: z.literal('Metaspace'),
    replacement: z.string().default('▁'),
    prepend_scheme: z.enum(['always', 'first', 'never']).optional(),
    /** Of files before `prepend_scheme`. */
    add_prefix_space: z.boolean().optional(),
  }),
  z.object({ type: z.literal('BPEDecoder'), suffix: z.string().min(1).default('</w>') }),
  z.object({ type: z.literal('ByteFallback') }),
  z.object({ type: z.literal('Fuse') }),
  z.object({ type: z.literal('Replace'), pattern, content: z.string() }),
  z.object({ type: z.literal('Strip'), content: z.string(), start: z.int().min(0), stop: z.int().min(0) }),
]);
type DecoderStep = z.infer<typeof decoderStep>;

/** `cleanup` of `decoders.WordPiece`, which treats each token alone. */
const WORD_PIECE_CLEANUP: readonly Replacement[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
].map(([pattern = '', content = '']) => ({ pattern, content }));

/** transformers' `clean_up_tokenization`, which treats the whole text. */
export const CLEAN_UP: readonly Replacement[] = WORD_PIECE_CLEANUP.filter(
  ({ pattern }) => pattern !== ' do not',
);

/**
 * @param decoder its steps, flat; without any, spaces join the tokens
 * @throws CheckpointError for a step that is unknown, or that could not be applied while a text is generated
 */
export function readDecoder(decoder: readonly LocatedStep[]): DecoderSteps {
  const [first] = decoder;
  if (!first) return { ...NO_STEPS, steps: [(token, { isFirst }) => (isFirst ? token : ` ${token}`)] };
  if (decoder.some(({ step }) => step.type === 'ByteLevel')) {
    const other = decoder.find(({ step: { type } }) => type !== 'ByteLevel' && type !== 'Fuse');
    if (other) fail(other.location, `the decoder "${other.step.type}" beside ByteLevel is not supported`);
    return { ...NO_STEPS, isByteLevel: true };
  }
  const reader = new Reader();
  for (const step of decoder) reader.add(step);
  return reader.steps();
}

const NO_STEPS: DecoderSteps = {
  isByteLevel: false,
  steps: [],
  beforeBytes: null,
  inRuns: [],
  stripsText: false,
  replacements: [],
};

/** Reads steps in their order. */
class Reader {
  #location = '';
  readonly #steps: TokenStep[] = [];
  readonly #inRuns: Replacement[] = [];
  readonly #replacements: Replacement[] = [];
  #beforeBytes: number | null = null;
  #stripsText = false;
  /** Whether the tokens have become one text. */
  #isFused = false;

  steps(): DecoderSteps {
    return {
      isByteLevel: false,
      steps: this.#steps,
      beforeBytes: this.#beforeBytes,
      inRuns: this.#inRuns,
      stripsText: this.#stripsText,
      replacements: this.#replacements,
    };
  }

  add({ step: json, location }: LocatedStep): void {
    this.#location = location;
    const step = parseStep(json, location);
    switch (step.type) {
      case 'WordPiece':
        this.#expectTokens(step.type, { orRuns: false });
        this.#steps.push(wordPiece(step.prefix, step.cleanup ? WORD_PIECE_CLEANUP : []));
        break;
      case 'Metaspace': {
        this.#expectTokens(step.type, { orRuns: true });
        const never = step.add_prefix_space === false || step.prepend_scheme === 'never';
        this.#steps.push((token, { isFirst }) =>
          token.replaceAll(step.replacement, isFirst && !never ? '' : ' '),
        );
        if (this.#beforeBytes !== null) this.#inRuns.push({ pattern: step.replacement, content: ' ' });
        break;
      }
      case 'BPEDecoder':
        this.#expectTokens(step.type, { orRuns: false });
        this.#steps.push((token, { isLast }) => token.replaceAll(step.suffix, isLast ? '' : ' '));
        break;
      case 'ByteFallback':
        this.#expectTokens(step.type, { orRuns: false });
        this.#beforeBytes = this.#steps.length;
        break;
      case 'Replace':
        this.#addReplace(step);
        break;
      case 'Strip':
        this.#addStrip(step);
        break;
      case 'Fuse':
        this.#isFused = true;
        break;
    }
  }

  #addReplace({ pattern, content }: DecoderStep & { type: 'Replace' }): void {
    if (!('String' in pattern)) {
      fail(this.#location, `Replace with the regular expression ${excerpt(pattern.Regex)} is not supported`);
    }
    const replacement = { pattern: pattern.String, content };
    // What is replaced character by character does not depend on where tokens end.
    const isOneCharacter = [...replacement.pattern].length === 1;
    if (this.#isFused && (!isOneCharacter || this.#stripsText || this.#replacements.length > 0)) {
      this.#replacements.push(replacement);
      return;
    }
    this.#steps.push((token) => token.replaceAll(replacement.pattern, () => content));
    if (this.#beforeBytes !== null) this.#inRuns.push(replacement);
  }

  #addStrip({ content, start, stop }: DecoderStep & { type: 'Strip' }): void {
    if (start === 0 && stop === 0) return;
    if (!this.#isFused) {
      this.#expectTokens('Strip', { orRuns: false });
      this.#steps.push((token) => stripped(token, content, start, stop));
      return;
    }
    const isSpace = content === ' ' && start === 1 && stop === 0;
    if (!isSpace || this.#replacements.length > 0 || this.#stripsText) {
      const found = `Strip of ${start} "${content}" at the start and ${stop} at the end`;
      fail(this.#location, `${found} of a whole text is not supported`);
    }
    this.#stripsText = true;
  }

  #expectTokens(type: string, { orRuns }: { readonly orRuns: boolean }): void {
    if (this.#isFused) fail(this.#location, `${type} after Fuse is not supported`);
    if (!orRuns && this.#beforeBytes !== null) {
      fail(this.#location, `${type} after ByteFallback is not supported`);
    }
  }
}

function parseStep(step: Step, location: string): DecoderStep {
  if (step.type === 'CTC') fail(location, 'the decoder "CTC" is for speech, and is not supported');
  if (!decoderStep.options.some(({ shape }) => shape.type.value === step.type)) {
    fail(location, `the decoder "${step.type}" is not supported`);
  }
  return check(location, decoderStep, step);
}

function wordPiece(prefix: string, cleanup: readonly Replacement[]): TokenStep {
  return (token, { isFirst }) => {
    const joined = isFirst ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
    return cleanup.reduce((text, { pattern, content }) => text.replaceAll(pattern, () => content), joined);
  };
}

/** Up to `start` of the character at the beginning and up to `stop` at the end are left out. */
function stripped(token: string, content: string, start: number, stop: number): string {
  const characters = [...token];
  let from = 0;
  while (from < Math.min(start, characters.length) && characters[from] === content) from++;
  let to = characters.length;
  while (to > Math.max(from, characters.length - stop) && characters[to - 1] === content) to--;
  return characters.slice(from, to).join('');
}

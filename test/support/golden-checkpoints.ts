/**
 * @module Holds a converted checkpoint to its golden, which `test/golden/make-checkpoints-golden.py` made with Hugging
 * Face's transformers.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ChatTemplateError } from '../../chat/errors.ts';
import { type Chat, type ChatMessage, ChatTemplate } from '../../chat/template.ts';
import { decodeAll } from '../../decoding/decode.ts';
import { Engine, type KernelModules } from '../../engine/engine.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../engine/node/load-engine.ts';
import type { Ort } from '../../engine/runtime/ort.ts';
import { CheckpointError } from '../../model-assets/checkpoint/interface/errors.ts';
import { type ConvertOptions, convert } from '../../model-assets/convert/convert.ts';
import type { Manifest } from '../../model-assets/format/manifest.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import {
  type GoldenChat,
  type GoldenCheckpoint,
  type GoldenTokenizer,
  readGolden,
  type Shared,
  unpack,
} from './golden-files.ts';
import { sequenceLogits } from './rows.ts';

/** Of logits and scores. */
const TOLERANCE = 1e-3;

/** Runs many small models one after the other in one instance of onnxruntime, which takes longer to start than they. */
export class GoldenRunner {
  readonly #folder: string;
  readonly #texts: readonly string[];
  readonly #conversations: readonly (readonly ChatMessage[])[];
  readonly #ort: Ort;
  readonly #kernels: KernelModules;

  private constructor(folder: string, shared: Shared, ort: Ort, kernels: KernelModules) {
    this.#folder = folder;
    this.#texts = shared.texts;
    this.#conversations = shared.conversations;
    this.#ort = ort;
    this.#kernels = kernels;
  }

  /** @param folder with goldens, and their checkpoints as folders or archives of the same names */
  static async open(folder: string): Promise<GoldenRunner> {
    const shared = await readGolden<Shared>(folder, 'texts');
    return new GoldenRunner(folder, shared, await startOrt(), await kernelModules());
  }

  /**
   * Converts a checkpoint at f32 in the folder `work`, and runs it.
   * @returns what differs from the golden, in words
   * @throws CheckpointError if it is refused, and should not be
   */
  async differences(name: string, work: string): Promise<string[]> {
    const golden = await readGolden<GoldenCheckpoint>(this.#folder, name);
    const source = await this.#source(name, work);
    const out = join(work, `${name}-converted`);
    const options = { source, ...resolvePaths(golden.options, source), out, precision: 'f32' } as const;
    if (golden.refused !== undefined) return compareRefusal(options, golden.refused);
    await convert(options);
    const engine = await Engine.load(this.#ort, {
      source: folderSource(out),
      platform: nodePlatform,
      kernels: this.#kernels,
    });
    try {
      const tokenizer = Tokenizer.read(engine.tokenizerFile);
      const ids = this.#compareIds(tokenizer, await this.#goldenTokenizer(golden.tokenizer));
      const chats = this.#compareChats(tokenizer, engine.manifest.chat, golden.chats ?? []);
      return [...ids, ...chats, ...(await compareModel(engine, tokenizer, golden))];
    } finally {
      engine.release();
    }
  }

  async #source(name: string, work: string): Promise<string> {
    const folder = join(this.#folder, name);
    if (existsSync(folder)) return folder;
    const source = join(work, name);
    await unpack(join(this.#folder, `${name}.tar.gz`), source);
    return source;
  }

  async #goldenTokenizer(golden: GoldenTokenizer | string): Promise<GoldenTokenizer> {
    if (typeof golden !== 'string') return golden;
    const { tokenizer } = await readGolden<GoldenCheckpoint>(this.#folder, golden);
    return this.#goldenTokenizer(tokenizer);
  }

  #compareIds(tokenizer: Tokenizer, { ids, plain, split, decode, length }: GoldenTokenizer): string[] {
    const texts = this.#texts;
    const found = [...compare('number of tokens', tokenizer.vocabSize, length)];
    const [plainIds, splitIds] = [new Map(plain), new Map(split)];
    for (const [i, text] of texts.entries()) {
      const title = JSON.stringify(text);
      const expected = ids[i] ?? [];
      const own = [...tokenizer.encode(text)];
      found.push(...compare(`ids of ${title}`, own, expected));
      const withoutTemplate = [...tokenizer.encode(text, { addSpecialTokens: false })];
      found.push(
        ...compare(`ids without template of ${title}`, withoutTemplate, plainIds.get(i) ?? expected),
      );
      const splitOwn = [...tokenizer.encode(text, { splitSpecialTokens: true })];
      found.push(...compare(`split ids of ${title}`, splitOwn, splitIds.get(i) ?? expected));
    }
    const changed = new Set(decode.map(([name]) => name));
    const same = texts.flatMap((text, i) => (ids[i]?.length && !changed.has(i) ? [[i, text] as const] : []));
    for (const [name, text, withoutSpecial = text] of [...decode, ...same]) {
      const own = typeof name === 'number' ? (ids[name] ?? []) : name;
      found.push(...compare(`text of ${own}`, tokenizer.decode(own), text));
      const skipped = tokenizer.decode(own, { skipSpecialTokens: true });
      found.push(...compare(`text without special tokens of ${own}`, skipped, withoutSpecial));
    }
    return found;
  }

  #compareChats(tokenizer: Tokenizer, chat: Manifest['chat'], goldens: readonly GoldenChat[]): string[] {
    return goldens.flatMap(({ template: name, conversation, end, text, ids }) => {
      const title = `${name} of conversation ${conversation}, ${end}`;
      const source = chat?.templates[name];
      if (chat === undefined || source === undefined) return [`${title}: the model has no such template`];
      const own = renderedOrNull(new ChatTemplate(source), {
        messages: this.#conversations[conversation] ?? [],
        addGenerationPrompt: end === 'generation',
        continueFinalMessage: end === 'continue',
        variables: chat.special_tokens,
      });
      const ownIds = own === null ? null : [...tokenizer.encode(own, { addSpecialTokens: false })];
      return [...compare(title, own, text), ...compare(`ids of ${title}`, ownIds, ids)];
    });
  }
}

async function compareRefusal(options: ConvertOptions, text: string): Promise<string[]> {
  try {
    await convert(options);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return error.message.includes(text) ? [] : [`refused: ${error.message}, expected ${text}`];
  }
  return [`converted, and should be refused: ${text}`];
}

/** The text of a chat, null where the template refuses it. */
function renderedOrNull(template: ChatTemplate, chat: Chat): string | null {
  try {
    return template.render(chat);
  } catch (error) {
    if (error instanceof ChatTemplateError) return null;
    throw error;
  }
}

async function compareModel(
  engine: Engine,
  tokenizer: Tokenizer,
  { ends, cases }: GoldenCheckpoint,
): Promise<string[]> {
  const found = compare('end tokens', [...engine.eosTokenIds].sort(), [...new Set(ends)].sort());
  for (const { prompt, logits, greedy, beams, scores } of cases) {
    const title = `after ${prompt.length} tokens`;
    const row = (await sequenceLogits(engine, prompt)).at(-1) ?? new Float32Array();
    const step = Math.max(1, Math.floor(row.length / 16));
    const own = logits.map((_, i) => row[i * step] ?? Number.NaN);
    if (!isClose(own, logits)) found.push(...compare(`logits ${title}`, own, logits));
    const limit = { max_new_tokens: 12 };
    const one = await decodeAll(engine, prompt, limit, { tokenizer });
    found.push(...compare(`greedy ${title}`, one.sequences[0]?.tokens, greedy));
    const options = { ...limit, num_beams: 4, num_return_sequences: 4 };
    const { sequences } = await decodeAll(engine, prompt, options, { tokenizer });
    found.push(
      ...compare(
        `beams ${title}`,
        sequences.map(({ tokens }) => tokens),
        beams,
      ),
    );
    const ownScores = sequences.map(({ score }) => score ?? Number.NaN);
    if (!isClose(ownScores, scores)) found.push(...compare(`scores ${title}`, ownScores, scores));
  }
  return found;
}

function isClose(own: readonly number[], expected: readonly number[]): boolean {
  return (
    own.length === expected.length &&
    own.every((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)) <= TOLERANCE)
  );
}

function compare(what: string, own: unknown, expected: unknown): string[] {
  const [found, wanted] = [JSON.stringify(own), JSON.stringify(expected)];
  return found === wanted ? [] : [`${what}: ${found}, expected ${wanted}`];
}

/** Paths in a golden's options are relative to its checkpoint. */
function resolvePaths(options: GoldenCheckpoint['options'], folder: string): Partial<ConvertOptions> {
  const isPath = (name: string) => name === 'base' || name === 'source';
  const resolved = Object.entries(options ?? {}).map(([name, value]) => [
    name,
    isPath(name) ? join(folder, String(value)) : value,
  ]);
  return Object.fromEntries(resolved);
}

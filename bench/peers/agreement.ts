/**
 * @module Checks that every peer has the same model, because timing a wrongly converted one is useless. On
 * the trained default model, for each prefix of one text, a peer's next token is compared with that of
 * edgebeam at f32.
 */
import { join } from 'node:path';
import { decodeAll } from '../../decoding/index.ts';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { DEFAULT_CHECKPOINT, ensureModel } from '../../model-assets/ensure.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { CACHE } from '../models.ts';
import type { PeerModels } from './models.ts';
import type { Peer, RunningPeer } from './peer.ts';
import { readTokenizer } from './prompts.ts';
import type { Answer, Prompt } from './protocol.ts';

const OPENING = 'Once upon a time there was a little girl who lived near the forest, and';
const TOKENS = 32;
const [BEAMS, BEAM_TOKENS] = [4, 16];
/** A smaller fraction of equal tokens cannot be explained by rounding. */
const MIN_AGREEMENT = 0.8;

export interface Agreement {
  readonly tokens: number;
  readonly same: number;
  /** Whether the best of four beams is the same text; null without beam search. */
  readonly sameBeam: boolean | null;
}

export interface Reference {
  readonly tokenizer: Tokenizer;
  readonly prefixes: readonly { readonly prompt: Prompt; readonly next: number }[];
  readonly opening: Prompt;
  readonly beam: readonly number[];
}

export async function makeReference(): Promise<Reference> {
  const folder = join(CACHE, 'peers', 'default', 'ours-f32');
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: folder, precision: 'f32', name: 'default' });
  const tokenizer = await readTokenizer(folder);
  const engine = await loadEngine(folder);
  const opening = { text: OPENING, ids: [...tokenizer.encode(OPENING)] };
  const complete = async (max_new_tokens: number, num_beams: number) => {
    const { sequences } = await decodeAll(engine, opening.ids, {
      max_new_tokens,
      num_beams,
      ignore_eos: true,
    });
    return sequences[0]?.tokens ?? [];
  };
  const greedy = await complete(TOKENS, 1);
  const prefixes = greedy.map((next, i) => {
    const ids = [...opening.ids, ...greedy.slice(0, i)];
    return { prompt: { ids, text: tokenizer.decode(ids) }, next };
  });
  // A peer that takes text encodes it again, with other tokens if a word is incomplete.
  const reencodable = prefixes.filter(
    ({ prompt: { ids, text } }) => tokenizer.encode(text).join() === ids.join(),
  );
  return { tokenizer, prefixes: reencodable, opening, beam: await complete(BEAM_TOKENS, BEAMS) };
}

/** @throws Error if too few tokens agree for the same model */
export async function checkAgreement(
  peer: Peer,
  models: PeerModels,
  reference: Reference,
): Promise<Agreement> {
  const running = await peer.start(models);
  try {
    await running.load();
    const agreement = await compare(running, reference);
    if (agreement.same >= MIN_AGREEMENT * agreement.tokens) return agreement;
    throw new Error(
      `${peer.name} has another model: only ${agreement.same} of ${agreement.tokens} tokens equal those of f32`,
    );
  } finally {
    await running.close();
  }
}

async function compare(running: RunningPeer, reference: Reference): Promise<Agreement> {
  const { tokenizer, prefixes, opening, beam } = reference;
  const textOf = ({ ids, text }: Answer) => (ids ? tokenizer.decode(ids) : (text ?? ''));
  let same = 0;
  for (const { prompt, next } of prefixes) {
    const reply = await running.perform({ kind: 'generate', prompt, tokens: 1, beams: 1 });
    if (!('refused' in reply) && textOf(reply) === tokenizer.decode([next])) same++;
  }
  const searched = await running.perform({
    kind: 'generate',
    prompt: opening,
    tokens: BEAM_TOKENS,
    beams: BEAMS,
  });
  const sameBeam = 'refused' in searched ? null : textOf(searched) === tokenizer.decode(beam);
  return { tokens: prefixes.length, same, sameBeam };
}

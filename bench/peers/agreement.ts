/**
 * @module Whether every peer has the same model: a wrongly converted one would be measured in vain. On the trained default
 * model, after each beginning of one text, a peer's next token is held to that of edgebeam at f32.
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
/** Fewer than this part of the tokens is more than rounding. */
const LEAST = 0.8;

export interface Agreement {
  readonly tokens: number;
  readonly same: number;
  /** Whether its best of four beams is the same text; null if it has none. */
  readonly sameBeam: boolean | null;
}

export interface Reference {
  readonly tokenizer: Tokenizer;
  readonly beginnings: readonly { readonly prompt: Prompt; readonly next: number }[];
  readonly opening: Prompt;
  readonly beam: readonly number[];
}

export async function makeReference(): Promise<Reference> {
  const folder = join(CACHE, 'peers', 'default', 'ours-f32');
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: folder, precision: 'f32', name: 'default' });
  const tokenizer = await readTokenizer(folder);
  const engine = await loadEngine(folder);
  const opening = { text: OPENING, ids: [...tokenizer.encode(OPENING)] };
  const continueIt = async (max_new_tokens: number, num_beams: number) => {
    const { sequences } = await decodeAll(engine, opening.ids, {
      max_new_tokens,
      num_beams,
      ignore_eos: true,
    });
    return sequences[0]?.tokens ?? [];
  };
  const greedy = await continueIt(TOKENS, 1);
  const beginnings = greedy.map((next, i) => {
    const ids = [...opening.ids, ...greedy.slice(0, i)];
    return { prompt: { ids, text: tokenizer.decode(ids) }, next };
  });
  // Who takes text cuts it anew, which gives other tokens when a word is not whole.
  const cutAlike = beginnings.filter(
    ({ prompt: { ids, text } }) => tokenizer.encode(text).join() === ids.join(),
  );
  return { tokenizer, beginnings: cutAlike, opening, beam: await continueIt(BEAM_TOKENS, BEAMS) };
}

/** @throws Error if the peer differs too often to have the same model */
export async function checkAgreement(
  peer: Peer,
  models: PeerModels,
  reference: Reference,
): Promise<Agreement> {
  const running = await peer.start(models);
  try {
    await running.load();
    const agreement = await compare(running, reference);
    if (agreement.same >= LEAST * agreement.tokens) return agreement;
    throw new Error(
      `${peer.name} has another model: of ${agreement.tokens} tokens only ${agreement.same} are those of f32`,
    );
  } finally {
    await running.close();
  }
}

async function compare(running: RunningPeer, reference: Reference): Promise<Agreement> {
  const { tokenizer, beginnings, opening, beam } = reference;
  const textOf = ({ ids, text }: Answer) => (ids ? tokenizer.decode(ids) : (text ?? ''));
  let same = 0;
  for (const { prompt, next } of beginnings) {
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
  return { tokens: beginnings.length, same, sameBeam };
}

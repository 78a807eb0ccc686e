/**
 * @module The schedule: each peer in fresh processes for its first request, then all take turns, call by
 * call.
 */
import { peakBytes, residentBytes } from '../resident.ts';
import type { PeerModels } from './models.ts';
import type { Peer, RunningPeer } from './peer.ts';
import type { Prompt, Task } from './protocol.ts';

export interface Plan {
  /** Fresh processes per peer. */
  readonly starts: number;
  readonly warmUps: number;
  /** Measured calls per workload and peer. */
  readonly calls: number;
  /** The same for bare passes, several of which make one call. */
  readonly passCalls: number;
}

export const FULL: Plan = { starts: 3, warmUps: 3, calls: 9, passCalls: 5 };
export const QUICK: Plan = { starts: 1, warmUps: 1, calls: 2, passCalls: 1 };

/** Tokens of a generation: the first, and steps around {@link PAST} cached positions. */
const TOKENS = 17;
export const PAST = 256;
export const PROMPT = 64;
export const BEAMS = 4;
const PASSES = 8;

/** The workloads, with the answer's field that is their figure. */
export const WORKLOADS = {
  greedy: 'stepMilliseconds',
  beams: 'stepMilliseconds',
  prompt: 'firstMilliseconds',
  pass: 'firstMilliseconds',
  pass4: 'firstMilliseconds',
} as const;
export type WorkName = keyof typeof WORKLOADS;

export interface FirstRequest {
  readonly startMilliseconds: number;
  readonly loadMilliseconds: number;
  /** Time to the first token after a prompt of {@link PROMPT}. */
  readonly firstMilliseconds: number;
  readonly stepMilliseconds: number;
}

export interface PeerResults {
  readonly name: string;
  readonly precision: string;
  readonly first: FirstRequest[];
  /** Every single figure, in milliseconds; for an unsupported workload the reason. */
  readonly settled: Partial<Record<WorkName, number[] | string>>;
  readonly memory: {
    /** Before loading the model. */
    bare: number | null;
    /** Resident set after the settled calls of this workload. */
    readonly after: Partial<Record<WorkName, number | null>>;
    /** Peak of the resident set. */
    peak: number | null;
  };
}

export type MakePrompt = (tokens: number) => Prompt;
type Entry = { readonly peer: Peer; readonly results: PeerResults; running?: RunningPeer };

export async function measurePeers(
  peers: readonly Peer[],
  models: PeerModels,
  makePrompt: MakePrompt,
  plan: Plan,
  log: (activity: string) => void,
): Promise<PeerResults[]> {
  const entries: Entry[] = peers.map((peer) => ({ peer, results: noResults(peer) }));
  try {
    for (let i = 0; i < plan.starts; i++) {
      for (const entry of entries) {
        log(`first request of ${entry.peer.name}, ${i + 1} of ${plan.starts}`);
        await firstRequest(entry, models, makePrompt);
      }
    }
    for (const work of Object.keys(WORKLOADS) as WorkName[]) {
      log(`settled: ${work}`);
      await measureWork(entries, work, taskOf(work, makePrompt), plan);
    }
    return entries.map(({ results }) => results);
  } finally {
    for (const { running } of entries) await running?.close();
  }
}

function noResults({ name, precision }: Peer): PeerResults {
  return { name, precision, first: [], settled: {}, memory: { bare: null, after: {}, peak: null } };
}

function taskOf(work: WorkName, makePrompt: MakePrompt): Task {
  // The mean number of cached positions over all steps is PAST.
  const prompt = makePrompt(PAST - TOKENS / 2 + 0.5);
  switch (work) {
    case 'greedy':
      return { kind: 'generate', prompt, tokens: TOKENS, beams: 1 };
    case 'beams':
      return { kind: 'generate', prompt, tokens: TOKENS, beams: BEAMS };
    case 'prompt':
      return { kind: 'generate', prompt: makePrompt(PROMPT), tokens: 1, beams: 1 };
    case 'pass':
    case 'pass4':
      return { kind: 'forward', rows: work === 'pass' ? 1 : BEAMS, past: makePrompt(PAST), times: PASSES };
  }
}

async function firstRequest(entry: Entry, models: PeerModels, makePrompt: MakePrompt): Promise<void> {
  const { peer, results } = entry;
  await entry.running?.close();
  delete entry.running;
  const running = await peer.start(models);
  entry.running = running;
  results.memory.bare = peakBytes(running.pids());
  const begin = performance.now();
  await running.load();
  const loadMilliseconds = performance.now() - begin;
  const prompt = makePrompt(PROMPT);
  const answer = await running.perform({ kind: 'generate', prompt, tokens: TOKENS, beams: 1 });
  if ('refused' in answer) throw new Error(`${peer.name} ${answer.refused}`);
  const { firstMilliseconds, stepMilliseconds } = answer;
  results.first.push({
    startMilliseconds: running.startMilliseconds,
    loadMilliseconds,
    firstMilliseconds,
    stepMilliseconds: stepMilliseconds ?? 0,
  });
}

async function measureWork(entries: readonly Entry[], work: WorkName, task: Task, plan: Plan): Promise<void> {
  const calls = task.kind === 'forward' ? plan.passCalls : plan.calls;
  for (let call = -plan.warmUps; call < calls; call++) {
    for (const { running, results } of entries) {
      if (!running || typeof results.settled[work] === 'string') continue;
      const reply = await running.perform(task);
      if ('refused' in reply) {
        results.settled[work] = reply.refused;
        continue;
      }
      const milliseconds = reply[WORKLOADS[work]];
      if (call >= 0 && milliseconds !== null) {
        results.settled[work] = [...(results.settled[work] ?? []), milliseconds];
      }
    }
  }
  for (const { running, results } of entries) {
    if (!running) continue;
    const pids = running.pids();
    if (typeof results.settled[work] !== 'string') results.memory.after[work] = residentBytes(pids);
    results.memory.peak = peakBytes(pids);
  }
}

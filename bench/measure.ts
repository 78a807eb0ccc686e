/** @module The schedule: all sides run in fresh processes and take turns, block by block. */
import { type Contestant, SIDES, type SideName, type Start } from './contestant.ts';
import { peakBytes, resetPeak } from './resident.ts';
import { STEP_ROWS, type Timing, type Work } from './side.ts';

export interface Plan {
  /** Fresh processes per side, for the figures of the first request. */
  readonly starts: number;
  /** Unmeasured calls before the settled figures: for the first workload and for each later one. */
  readonly warmUps: readonly [first: number, later: number];
  readonly blocks: number;
  readonly callsPerBlock: number;
}

export const FULL: Plan = { starts: 3, warmUps: [60, 20], blocks: 5, callsPerBlock: 4 };
export const QUICK: Plan = { starts: 1, warmUps: [30, 10], blocks: 3, callsPerBlock: 3 };

export type PerSide<T> = Record<SideName, T>;

function perSide<T>(of: (side: SideName) => T): PerSide<T> {
  return Object.fromEntries(SIDES.map((side) => [side, of(side)])) as PerSide<T>;
}

/** The first calls of a fresh process. */
export interface FirstRequest {
  readonly loadMilliseconds: number;
  readonly prefill: Timing;
  readonly step: Timing;
}

export interface Settled {
  readonly work: Work;
  readonly timings: PerSide<readonly Timing[]>;
  /** During its measured calls. */
  readonly peakBytes: PerSide<number | null>;
  readonly heapBytes: PerSide<number>;
}

export interface Measurement {
  readonly place: string;
  readonly first: PerSide<readonly FirstRequest[]>;
  readonly settled: readonly Settled[];
  /** Over the life of the process. */
  readonly peakBytes: PerSide<number | null>;
  /** Of a process with onnxruntime and no model. */
  readonly bareBytes: number | null;
}

const WORKLOADS: readonly Work[] = [
  ...STEP_ROWS.map((rows) => ({ kind: 'step', rows }) as const),
  { kind: 'prefill' },
];

export async function measure(place: string, start: Start, plan: Plan): Promise<Measurement> {
  const first = perSide((): FirstRequest[] => []);
  const running: Partial<PerSide<Contestant>> = {};
  try {
    const bare = await start('bare');
    const bareBytes = peakBytes(bare.pids);
    await bare.close();
    for (let i = 0; i < plan.starts; i++) {
      for (const side of SIDES) {
        await running[side]?.close();
        delete running[side];
        const contestant = await start(side);
        running[side] = contestant;
        first[side].push(await firstRequest(contestant));
      }
    }
    return { place, first, bareBytes, ...(await measureSettled(running as PerSide<Contestant>, plan)) };
  } finally {
    for (const contestant of Object.values(running)) await contestant.close();
  }
}

async function firstRequest({ loadMilliseconds, perform }: Contestant): Promise<FirstRequest> {
  const [prefill] = (await perform({ kind: 'prefill', count: 1 })).timings;
  const [step] = (await perform({ kind: 'step', rows: 1, count: 1 })).timings;
  return { loadMilliseconds, prefill: prefill as Timing, step: step as Timing };
}

async function measureSettled(contestants: PerSide<Contestant>, plan: Plan) {
  const settled: Settled[] = [];
  const overallPeaks = perSide((): number | null => null);
  const peakOf = (side: SideName) => {
    const peak = peakBytes(contestants[side].pids);
    if (peak !== null) overallPeaks[side] = Math.max(peak, overallPeaks[side] ?? 0);
    return peak;
  };
  for (const [i, work] of WORKLOADS.entries()) {
    const warmUps = plan.warmUps[i === 0 ? 0 : 1];
    for (const side of SIDES) {
      await contestants[side].perform({ ...work, count: warmUps });
      peakOf(side);
      resetPeak(contestants[side].pids);
    }
    const timings = perSide((): Timing[] => []);
    const heapBytes = perSide(() => 0);
    for (let block = 0; block < plan.blocks; block++) {
      for (const side of SIDES) {
        const answer = await contestants[side].perform({ ...work, count: plan.callsPerBlock });
        timings[side].push(...answer.timings);
        heapBytes[side] = answer.heapBytes;
      }
    }
    settled.push({ work, timings, heapBytes, peakBytes: perSide(peakOf) });
  }
  return { settled, peakBytes: overallPeaks };
}

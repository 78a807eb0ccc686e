/**
 * @module Fault injection into onnxruntime's glue: makes chosen calls fail, and counts live handles. A test
 * wraps the glue's factory in {@link faulty}; everything else is the real onnxruntime.
 */
import type { OrtGlue, OrtGlueOptions } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';

type Factory = (options: OrtGlueOptions) => Promise<OrtGlue>;

/** Return values of failed calls. */
const FAILURE_VALUES = {
  _malloc: 0,
  _OrtInit: 1,
  _OrtCreateSessionOptions: 0,
  _OrtCreateSession: 0,
  _OrtCreateTensor: 0,
  _OrtRun: 1,
} as const satisfies Partial<Record<keyof OrtGlue, number>>;
export type Fallible = keyof typeof FAILURE_VALUES;

/** Functions that create handles, each with the function that releases them. */
const RELEASERS = {
  _malloc: '_free',
  _OrtCreateSessionOptions: '_OrtReleaseSessionOptions',
  _OrtCreateSession: '_OrtReleaseSession',
  _OrtCreateTensor: '_OrtReleaseTensor',
} as const satisfies Partial<Record<keyof OrtGlue, keyof OrtGlue>>;
type Creator = keyof typeof RELEASERS;
const CREATORS = Object.keys(RELEASERS) as Creator[];

/** Numbers of handles that are created and not released. */
export type LiveHandles = Readonly<Record<Creator, number>>;

interface Plan {
  readonly name: Fallible;
  /** Matching calls that succeed first. */
  successes: number;
  /** Matching calls that then fail. */
  failures: number;
  /** Selects calls by their first argument. */
  readonly matches: (argument: unknown) => boolean;
}

export class Faults {
  /** Live handles of each glue. */
  #handles: Record<Creator, Set<number>>[] = [];
  readonly #calls = new Map<Fallible, number>();
  #plan: Plan | undefined;

  /** Handles created since {@link reset} and not released. */
  get liveHandles(): LiveHandles {
    const count = (creator: Creator) =>
      this.#handles.reduce((sum, handles) => sum + handles[creator].size, 0);
    return Object.fromEntries(CREATORS.map((creator) => [creator, count(creator)])) as LiveHandles;
  }

  /** Calls since {@link reset}, including failed ones. */
  calls(name: Fallible): number {
    return this.#calls.get(name) ?? 0;
  }

  /**
   * Makes the `k`-th call from now fail, 0 being the next, and `times - 1` calls after it.
   * @param matches restricts this to some calls, by their first argument; the call throws what this throws
   */
  fail(name: Fallible, k: number, times = 1, matches: Plan['matches'] = () => true): void {
    this.#plan = { name, successes: k, failures: times, matches };
  }

  /** @returns whether all planned failures happened */
  stop(): boolean {
    const done = !this.#plan || this.#plan.failures === 0;
    this.#plan = undefined;
    return done;
  }

  /** Forgets all glues and counts. */
  reset(): void {
    this.#handles = [];
    this.#calls.clear();
    this.#plan = undefined;
  }

  /** Replacements for functions of a glue. */
  wrap(glue: OrtGlue): Partial<Record<string, (...args: number[]) => number>> {
    const handles = Object.fromEntries(CREATORS.map((creator) => [creator, new Set<number>()])) as Record<
      Creator,
      Set<number>
    >;
    this.#handles.push(handles);
    const calls = glue as unknown as Record<string, (...args: number[]) => number>;
    const handlesOf = (name: Fallible) => (name in RELEASERS ? handles[name as Creator] : undefined);
    const fallible = (Object.keys(FAILURE_VALUES) as Fallible[]).map((name) => [
      name,
      (...args: number[]) => this.#call(name, args, () => calls[name]?.(...args) as number, handlesOf(name)),
    ]);
    const releasers = CREATORS.map((creator) => [
      RELEASERS[creator],
      (handle: number) => {
        // The glue would not detect a wrong or repeated release, which corrupts its heap.
        if (!handles[creator].delete(handle))
          throw new Error(`${RELEASERS[creator]} of ${handle}, which is not live`);
        return calls[RELEASERS[creator]]?.(handle) as number;
      },
    ]);
    return Object.fromEntries([...fallible, ...releasers]);
  }

  #call(name: Fallible, args: readonly number[], call: () => number, live?: Set<number>): number {
    this.#calls.set(name, this.calls(name) + 1);
    if (this.#fails(name, args[0])) return FAILURE_VALUES[name];
    const result = call();
    if (result !== 0) live?.add(result);
    return result;
  }

  #fails(name: Fallible, argument: unknown): boolean {
    const plan = this.#plan;
    if (plan?.name !== name || plan.failures === 0 || !plan.matches(argument)) return false;
    if (plan.successes > 0) {
      plan.successes--;
      return false;
    }
    plan.failures--;
    return true;
  }
}

/** Used by {@link faulty}. */
export const faults = new Faults();

/** A factory of glues whose calls fail as {@link faults} plans. */
export function faulty(factory: Factory): Factory {
  return async (options) => {
    const glue = await factory(options);
    const replacements = faults.wrap(glue);
    return new Proxy(glue, {
      get: (target, name, receiver) => replacements[String(name)] ?? Reflect.get(target, name, receiver),
    });
  };
}

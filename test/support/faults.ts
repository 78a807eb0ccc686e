/**
 * @module Lets calls of onnxruntime's real glue fail, and counts what is held of it. A test passes the glue's factory through
 * {@link faulty}; everything else about onnxruntime stays as it is.
 */
import type { OrtGlue, OrtGlueOptions } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';

type Factory = (options: OrtGlueOptions) => Promise<OrtGlue>;

/** What a call returns that fails. */
const FAILED = {
  _malloc: 0,
  _OrtInit: 1,
  _OrtCreateSessionOptions: 0,
  _OrtCreateSession: 0,
  _OrtCreateTensor: 0,
  _OrtRun: 1,
} as const satisfies Partial<Record<keyof OrtGlue, number>>;
export type Fallible = keyof typeof FAILED;

/** What is made by one function and ended by another. */
const ENDERS = {
  _malloc: '_free',
  _OrtCreateSessionOptions: '_OrtReleaseSessionOptions',
  _OrtCreateSession: '_OrtReleaseSession',
  _OrtCreateTensor: '_OrtReleaseTensor',
} as const satisfies Partial<Record<keyof OrtGlue, keyof OrtGlue>>;
type Maker = keyof typeof ENDERS;
const MAKERS = Object.keys(ENDERS) as Maker[];

export type Held = Readonly<Record<Maker, number>>;

interface Plan {
  readonly name: Fallible;
  /** Calls that go well before. */
  wait: number;
  /** Calls that then fail. */
  fail: number;
  readonly when: (argument: unknown) => boolean;
}

export class Faults {
  /** What each glue has made and not yet ended. */
  #handles: Record<Maker, Set<number>>[] = [];
  readonly #calls = new Map<Fallible, number>();
  #plan: Plan | undefined;

  /** How much of what was made since {@link reset} has not been ended. */
  get held(): Held {
    const count = (maker: Maker) => this.#handles.reduce((sum, handles) => sum + handles[maker].size, 0);
    return Object.fromEntries(MAKERS.map((maker) => [maker, count(maker)])) as Held;
  }

  /** Calls since {@link reset}, those that failed among them. */
  calls(name: Fallible): number {
    return this.#calls.get(name) ?? 0;
  }

  /**
   * Lets the `k`-th call from now fail, 0 being the next, and `times - 1` after it.
   * @param when says of what calls, by their first argument; where it throws, the call does
   */
  fail(name: Fallible, k: number, times = 1, when: Plan['when'] = () => true): void {
    this.#plan = { name, wait: k, fail: times, when };
  }

  /** @returns whether all failures that were planned have been */
  stop(): boolean {
    const done = !this.#plan || this.#plan.fail === 0;
    this.#plan = undefined;
    return done;
  }

  /** Knows of no glue any more. */
  reset(): void {
    this.#handles = [];
    this.#calls.clear();
    this.#plan = undefined;
  }

  /** The functions that stand in the place of a glue's. */
  wrap(glue: OrtGlue): Partial<Record<string, (...args: number[]) => number>> {
    const handles = Object.fromEntries(MAKERS.map((maker) => [maker, new Set<number>()])) as Record<
      Maker,
      Set<number>
    >;
    this.#handles.push(handles);
    const calls = glue as unknown as Record<string, (...args: number[]) => number>;
    const made = (name: Fallible) => (name in ENDERS ? handles[name as Maker] : undefined);
    const fallible = (Object.keys(FAILED) as Fallible[]).map((name) => [
      name,
      (...args: number[]) => this.#call(name, args, () => calls[name]?.(...args) as number, made(name)),
    ]);
    const enders = MAKERS.map((maker) => [
      ENDERS[maker],
      (handle: number) => {
        // Nothing that was not made, and nothing twice: a heap takes no notice of either, and is broken then.
        if (!handles[maker].delete(handle))
          throw new Error(`${ENDERS[maker]} of ${handle}, which is not held`);
        return calls[ENDERS[maker]]?.(handle) as number;
      },
    ]);
    return Object.fromEntries([...fallible, ...enders]);
  }

  #call(name: Fallible, args: readonly number[], call: () => number, made?: Set<number>): number {
    this.#calls.set(name, this.calls(name) + 1);
    if (this.#fails(name, args[0])) return FAILED[name];
    const result = call();
    if (result !== 0) made?.add(result);
    return result;
  }

  #fails(name: Fallible, argument: unknown): boolean {
    const plan = this.#plan;
    if (plan?.name !== name || plan.fail === 0 || !plan.when(argument)) return false;
    if (plan.wait > 0) {
      plan.wait--;
      return false;
    }
    plan.fail--;
    return true;
  }
}

/** The one that {@link faulty} asks. */
export const faults = new Faults();

/** A factory whose glues fail when {@link faults} says so. */
export function faulty(factory: Factory): Factory {
  return async (options) => {
    const glue = await factory(options);
    const wrapped = faults.wrap(glue);
    return new Proxy(glue, {
      get: (target, name, receiver) => wrapped[String(name)] ?? Reflect.get(target, name, receiver),
    });
  };
}

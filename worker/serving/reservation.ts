/** @module What a generation reserves before its first pass: cache space, and memory in JavaScript. */
import type { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import { pathCount, requiredNodes } from '../../decoding/options/capacity.ts';
import { contextWindow } from '../../decoding/options/context-window.ts';
import type { Admitted, QueueLimits } from '../../engine/batching/admission.ts';
import type { MemoryReservation } from '../../engine/batching/memory-budget.ts';
import { CapacityError } from '../../engine/cache/errors.ts';
import type { Engine, EngineTreeOptions } from '../../engine/engine.ts';
import type { SearchedCatalogue } from './catalogue.ts';
import {
  type AnswerForm,
  estimateMemory,
  type GenerationSize,
  type MemoryEstimate,
} from './memory-estimate.ts';
import { type GenerationRequest, optionsOf, tokensInView } from './request.ts';
import { type Lease, ReservedTree } from './reserved-tree.ts';

/**
 * Target rows per pass for a request of several prompts: eight rows cost much less than twice as much as
 * four.
 */
const TARGET_ROWS = 8;

export interface Reservation {
  /** What the texts must be; its memory is a part of `answer`. */
  readonly constraint: Constraint | undefined;
  /** A tree for each prompt, or fewer that serve them in turn. */
  readonly trees: readonly ReservedTree[];
  /** Memory until the answer is sent. */
  readonly answer: MemoryReservation;
  /** Gives back what only decoding needs. */
  closeTrees(): void;
  close(): void;
}

/**
 * Waits for what the request needs at most. A constraint is compiled when it is the request's turn, so that there is one
 * at most whose memory is not reserved; those that are looked at before are not held.
 * @param compile returns the request's constraint, always the same one
 * @param check whether the constraint has been looked at, ahead of the request's turn; throws if it is refused
 * @param partition of the prefix cache
 * @throws CapacityError for a request that never fits; QueueFullError and QueueTimeoutError for one that does
 *   not fit now; what `compile` throws
 */
export function admit(
  engine: Engine,
  request: GenerationRequest,
  {
    compile,
    check,
    form,
    partition,
    limits,
    signal,
    catalogue,
  }: {
    readonly compile?: (() => Constraint | undefined) | undefined;
    readonly check?: (() => boolean) | undefined;
    readonly form: AnswerForm;
    readonly partition: string;
    readonly catalogue?: SearchedCatalogue | undefined;
    readonly limits: QueueLimits;
    readonly signal: AbortSignal;
  },
): Promise<Admitted<Reservation>> {
  // Once, not each time that the request polls the queue.
  let bytes: MemoryEstimate | undefined;
  const open = (): Reservation => {
    const constraint = compile?.();
    bytes ??= estimateMemory(sizeOf(engine, request, form, { constraint, catalogue }));
    return { ...reserve(engine, request, bytes, partition, catalogue), constraint };
  };
  return engine.admission.admit(open, limits, signal, check);
}

/** What a request needs beside itself. */
export interface Needed {
  readonly constraint?: Pick<Constraint, 'bytes'> | undefined;
  readonly catalogue?: SearchedCatalogue | undefined;
}

export function sizeOf(
  engine: Engine,
  request: GenerationRequest,
  form: AnswerForm,
  { constraint, catalogue }: Needed = {},
): GenerationSize {
  const { vocabSize, memory } = engine;
  const { prompts, n, echo = false, options } = request;
  const windows = prompts.flatMap(
    (prompt) => tokensInView(engine, optionsOf(request, prompt), prompt.ids.length) ?? [],
  );
  return {
    prompts: prompts.map(({ ids }) => ids.length),
    characters: prompts.reduce((sum, { text }) => sum + text.length, 0),
    vocabSize,
    form,
    n,
    echo,
    // A large one beside a large model is no reason to refuse the request: it is an estimate.
    constraint: constraint && Math.min(constraint.bytes, memory.maximum / 2),
    healed: Math.max(...prompts.map(({ healed }) => healed?.removed.length ?? 0)),
    catalogue: catalogue?.trie.levels,
    inView: windows.length > 0 ? Math.max(...windows) : undefined,
    options,
  };
}

/**
 * Reserves a tree for each prompt, or fewer if there is less space or `TARGET_ROWS` is reached. All are
 * reserved before the first pass, so a batch of prompts never fails half way.
 * @throws CapacityError when the largest of the prompts does not fit
 */
function reserve(
  engine: Engine,
  request: GenerationRequest,
  bytes: MemoryEstimate,
  partition: string,
  catalogue?: SearchedCatalogue,
): Omit<Reservation, 'constraint'> {
  const { prompts, options, cachePrompt: shared } = request;
  const windows = prompts.map((prompt) =>
    contextWindow(optionsOf(request, prompt), engine, prompt.ids.length),
  );
  const nodes = Math.max(
    ...prompts.map((prompt, i) =>
      requiredNodes(prompt.ids.length, optionsOf(request, prompt), catalogue?.trie, windows[i]),
    ),
  );
  const count = Math.max(1, Math.min(prompts.length, Math.floor(TARGET_ROWS / pathCount(options))));
  // A request that never fits is refused for its sum, not for one of the parts below.
  engine.check(nodes);
  engine.memory.check(bytes.answer + bytes.search + (catalogue?.loaded.file.memory ?? 0));
  // A tree that serves several prompts in turn must reserve space without a cached prefix: the second prompt
  // does not share the first one's. What a text may drop is not pinned either.
  const only = prompts.length === 1 ? prompts[0]?.ids : undefined;
  const prompt = only && windows[0] ? Array.from(only).slice(0, windows[0].keep) : only;
  const lease = catalogue?.loaded.lease();
  const trees: ReservedTree[] = [];
  const closeTrees = () => {
    for (const tree of trees) tree.close();
    lease?.close();
  };
  let answer: MemoryReservation;
  try {
    answer = engine.memory.reserve(bytes.answer);
  } catch (error) {
    closeTrees();
    throw error;
  }
  const close = () => {
    closeTrees();
    answer.close();
  };
  try {
    const tree = { prompt, shared, partition, adapter: request.adapter?.name };
    while (trees.length < count) {
      const held = lease ? [answer, lease] : [answer];
      trees.push(openReserved(engine, nodes, tree, bytes.search, held));
    }
  } catch (error) {
    if (trees.length === 0 || !(error instanceof CapacityError)) {
      close();
      throw error;
    }
  }
  return { trees, answer, closeTrees, close };
}

/**
 * Opens a tree with the memory of what runs in it.
 * @param bytes given back with the tree
 * @param shared memory whose leases each evaluation renews
 * @throws CapacityError
 */
export function openReserved(
  engine: Engine,
  nodes: number,
  options: EngineTreeOptions,
  bytes: number,
  shared: readonly Lease[],
): ReservedTree {
  const search = engine.memory.reserve(bytes);
  try {
    return new ReservedTree(engine, engine.open(nodes, options), search, shared);
  } catch (error) {
    search.close();
    throw error;
  }
}

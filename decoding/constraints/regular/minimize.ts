/**
 * @module The least automaton of a language, in a form that equal languages share.
 *
 * Blocks of states are split until all states of a block have the same label and lead to the same blocks. When a block
 * is split, its largest part keeps the name, so that only states which lead to the smaller parts are looked at again:
 * n log n in all.
 */
import type { CompileBudget } from '../automaton/errors.ts';
import { Alphabet, NO_CLASS } from './alphabet.ts';
import { DEAD, type Dfa, DfaBuilder, NO_LABEL, targetsOf } from './dfa.ts';

/** What the lists of a round take, in which blocks are split. */
const STEPS_OF_ROUND = 12;
/** What the lists of a state take. */
const STEPS_OF_STATE = 8;

/** The least automaton. Its states can all be reached, and from all of them the text can end. */
export function minimize(dfa: Dfa, budget: CompileBudget): Dfa {
  budget.spendSteps(STEPS_OF_STATE * dfa.labels.length);
  const sources = sourcesOf(dfa);
  const live = liveStates(dfa, sources);
  if (!live[0]) return new DfaBuilder().build(Alphabet.of([0, 0xd800, 0xe000], [0, undefined, 0]).alphabet);
  return canonical(dfa, partition(dfa, live, sources, budget), budget);
}

/** For each state the states that lead to it: those of state i are `list[starts[i] … starts[i + 1])`. */
interface Sources {
  readonly starts: Int32Array;
  readonly list: Int32Array;
}

function sourcesOf(dfa: Dfa): Sources {
  const count = dfa.labels.length;
  const starts = new Int32Array(count + 1);
  const all: number[][] = [];
  for (let state = 0; state < count; state++) {
    const targets = targetsOf(dfa, state);
    all.push(targets);
    for (const target of targets) starts[target + 1] = (starts[target + 1] as number) + 1;
  }
  for (let i = 0; i < count; i++) starts[i + 1] = (starts[i + 1] as number) + (starts[i] as number);
  const list = new Int32Array(starts[count] as number);
  const next = starts.slice();
  all.forEach((targets, state) => {
    for (const target of targets) {
      list[next[target] as number] = state;
      next[target] = (next[target] as number) + 1;
    }
  });
  return { starts, list };
}

function liveStates(dfa: Dfa, { starts, list }: Sources): Uint8Array {
  const live = new Uint8Array(dfa.labels.length);
  const queue: number[] = [];
  dfa.labels.forEach((label, state) => {
    if (label === NO_LABEL) return;
    live[state] = 1;
    queue.push(state);
  });
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (let i = starts[state] as number; i < (starts[state + 1] as number); i++) {
      const source = list[i] as number;
      if (live[source]) continue;
      live[source] = 1;
      queue.push(source);
    }
  }
  return live;
}

/** Blocks of states, each with its members in a list from which one is taken out in one step. */
class Blocks {
  readonly of: Int32Array;
  readonly members: number[][] = [];
  readonly #place: Int32Array;

  constructor(states: number) {
    this.of = new Int32Array(states).fill(DEAD);
    this.#place = new Int32Array(states);
  }

  create(): number {
    return this.members.push([]) - 1;
  }

  add(state: number, block: number): void {
    const members = this.members[block] as number[];
    this.of[state] = block;
    this.#place[state] = members.push(state) - 1;
  }

  move(state: number, block: number): void {
    const members = this.members[this.of[state] as number] as number[];
    const last = members.pop() as number;
    const place = this.#place[state] as number;
    if (last !== state) {
      members[place] = last;
      this.#place[last] = place;
    }
    this.add(state, block);
  }
}

/** @returns the block of each state, `DEAD` for those that are not live */
function partition(dfa: Dfa, live: Uint8Array, { starts, list }: Sources, budget: CompileBudget): Int32Array {
  const blocks = new Blocks(live.length);
  const ofLabel = new Map<number, number>();
  let dirty: number[] = [];
  live.forEach((isLive, state) => {
    if (!isLive) return;
    const label = dfa.labels[state] as number;
    const block = ofLabel.get(label) ?? blocks.create();
    ofLabel.set(label, block);
    blocks.add(state, block);
    dirty.push(state);
  });
  const isDirty = new Uint8Array(live.length);
  while (dirty.length > 0) {
    budget.spendSteps(STEPS_OF_ROUND);
    for (const state of dirty) isDirty[state] = 1;
    const moved: number[] = [];
    for (const part of splits(dfa, blocks, dirty, isDirty, budget)) {
      const block = blocks.create();
      for (const state of part) {
        blocks.move(state, block);
        moved.push(state);
      }
    }
    for (const state of dirty) isDirty[state] = 0;
    dirty = [];
    for (const state of moved) {
      for (let i = starts[state] as number; i < (starts[state + 1] as number); i++) {
        const source = list[i] as number;
        if (isDirty[source] || !live[source]) continue;
        isDirty[source] = 1;
        dirty.push(source);
      }
    }
  }
  return blocks.of;
}

/** The parts that leave their blocks. States that are not dirty lead where their block has always led. */
function splits(
  dfa: Dfa,
  blocks: Blocks,
  dirty: readonly number[],
  isDirty: Uint8Array,
  budget: CompileBudget,
): number[][] {
  const byBlock = new Map<number, number[]>();
  for (const state of dirty) {
    const block = blocks.of[state] as number;
    const there = byBlock.get(block);
    if (there) there.push(state);
    else byBlock.set(block, [state]);
  }
  const leaving: number[][] = [];
  for (const [block, states] of byBlock) {
    const members = blocks.members[block] as number[];
    if (members.length === 1) continue;
    const parts = new Map<string, number[]>();
    for (const state of states) {
      const key = signature(dfa, blocks.of, state, budget);
      const part = parts.get(key);
      if (part) part.push(state);
      else parts.set(key, [state]);
    }
    const clean = members.length - states.length;
    const other = clean > 0 ? members.find((state) => !isDirty[state]) : undefined;
    const cleanKey = other === undefined ? undefined : signature(dfa, blocks.of, other, budget);
    let largest: string | undefined = cleanKey;
    let most = clean + (cleanKey === undefined ? 0 : (parts.get(cleanKey)?.length ?? 0));
    for (const [key, part] of parts) {
      if (key === cleanKey || part.length <= most) continue;
      largest = key;
      most = part.length;
    }
    for (const [key, part] of parts) if (key !== largest && key !== cleanKey) leaving.push(part);
    if (cleanKey !== undefined && largest !== cleanKey) {
      // The states that are not dirty are fewer than the largest part, so that they leave.
      const part = members.filter((state) => !isDirty[state]);
      leaving.push([...part, ...(parts.get(cleanKey) ?? [])]);
    }
  }
  return leaving;
}

/** The blocks that a state leads to. */
function signature(dfa: Dfa, blockOf: Int32Array, state: number, budget: CompileBudget): string {
  const { fallback, offsets, symbols, targets } = dfa;
  const usual = blockAt(blockOf, fallback[state] as number);
  let key = String(usual);
  const end = offsets[state + 1] as number;
  budget.spendSteps(2 + 2 * (end - (offsets[state] as number)));
  for (let i = offsets[state] as number; i < end; i++) {
    const block = blockAt(blockOf, targets[i] as number);
    if (block !== usual) key += `,${symbols[i]}:${block}`;
  }
  return key;
}

function blockAt(blockOf: Int32Array, state: number): number {
  return state === DEAD ? DEAD : (blockOf[state] as number);
}

/** Joins blocks to states and equal columns to classes, and numbers both by their place. */
export function canonical(dfa: Dfa, blockOf: Int32Array, budget: CompileBudget): Dfa {
  const columns = new Array<string>(dfa.alphabet.size).fill('');
  const rows: { label: number; fallback: number; row: [symbol: number, target: number][] }[] = [];
  const ids = new Map<number, number>();
  const order: number[] = [];
  const idOf = (state: number): number => {
    const block = blockAt(blockOf, state);
    if (block === DEAD) return DEAD;
    let id = ids.get(block);
    if (id === undefined) {
      id = order.length;
      ids.set(block, id);
      order.push(state);
    }
    return id;
  };
  idOf(0);
  // A state's targets are numbered in the order of its row. It does not depend on how classes are numbered later,
  // because classes are in the order of their first code points before and after.
  for (const state of order) {
    const fallback = idOf(dfa.fallback[state] as number);
    const row: [number, number][] = [];
    for (let i = dfa.offsets[state] as number; i < (dfa.offsets[state + 1] as number); i++) {
      const symbol = dfa.symbols[i] as number;
      const target = idOf(dfa.targets[i] as number);
      if (target === fallback) continue;
      row.push([symbol, target]);
      columns[symbol] += `,${rows.length}:${target}`;
    }
    budget.spendSteps(1 + row.length);
    rows.push({ label: dfa.labels[state] as number, fallback, row });
  }
  const { starts, classes } = dfa.alphabet;
  const { alphabet, examples } = Alphabet.of(
    starts,
    classes.map((id) => (id === NO_CLASS ? undefined : (columns[id] as string))),
  );
  const renamed = new Map(examples.map((interval, id) => [classes[interval] as number, id]));
  const builder = new DfaBuilder();
  for (const { label, fallback, row } of rows) {
    builder.add(
      label,
      fallback,
      row.flatMap(([symbol, target]) => {
        const id = renamed.get(symbol);
        return id === undefined ? [] : [[id, target] as const];
      }),
    );
  }
  return builder.build(alphabet);
}

/** @module One byte of a text read by a grammar. */
import { Fork, type Reading } from '../automaton/frame.ts';
import { Heap } from '../automaton/heap.ts';
import { type GrammarSymbol, type Place, Repeat, type Rule, Terminal } from './symbols.ts';

const NOTHING: Reading = [];

/** What is left of a repetition, before `tail`, after one of its items has begun. */
export type AfterItem = (repeat: Repeat, tail: Place | undefined) => Place | undefined;

/**
 * The places after a byte. A rule that may begin at several places is looked at once, after all of them: what follows
 * it there is a fork.
 */
export function readByte(start: Place, byte: number, afterItem: AfterItem): readonly Reading[] {
  const readings: Reading[] = [];
  /** The rules that may begin, and what follows each of them. */
  const followers = new Map<Rule, Reading[]>();
  const waiting = new Heap<Rule>();

  const enter = (symbol: GrammarSymbol, tail: Place | undefined, follow: Reading): void => {
    let [item, after] = [symbol, tail];
    while (item instanceof Repeat) {
      after = afterItem(item, after);
      item = item.item;
    }
    const rest: Reading = after ? [after, ...follow] : follow;
    if (item instanceof Terminal) {
      for (const reading of item.frame.step(byte)) readings.push([...reading, ...rest]);
      return;
    }
    const others = followers.get(item);
    if (others) {
      others.push(rest);
      return;
    }
    followers.set(item, [rest]);
    waiting.push(item.rank, item);
  };

  const walk = (sequence: Place, follow: Reading): void => {
    let skipped: Set<GrammarSymbol> | undefined;
    for (let at: Place | undefined = sequence; at; at = at.tail) {
      const { head, tail } = at;
      // After the same symbol further on less may follow than after this one.
      if (head.first.has(byte) && !skipped?.has(head)) enter(head, tail, follow);
      if (head.distance > 0) return;
      skipped ??= new Set();
      skipped.add(head);
    }
  };

  walk(start, NOTHING);
  for (let rule = waiting.pop(); rule; rule = waiting.pop()) {
    const [only = NOTHING, ...others] = followers.get(rule) ?? [];
    const follow = others.length === 0 ? only : [new Fork([only, ...others])];
    for (const alternative of rule.startingWith(byte)) walk(alternative, follow);
  }
  return readings;
}

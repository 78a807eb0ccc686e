/** @module The page's tree: drawn from the events of real searches, of every kind and of small models. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../../../decoding/decode.ts';
import type { DecodingEvent } from '../../../../../decoding/interface/events.ts';
import type { DecodingOptions } from '../../../../../decoding/options/options.ts';
import { mostBranches, passesOf, slotsAt } from '../../../../../worker/page/client/costs.ts';
import {
  fatesAt,
  leadAfter,
  liveAt,
  pathTo,
  SearchTree,
  type TreeNode,
} from '../../../../../worker/page/client/search-tree.ts';
import { type Layout, layOut, type Run } from '../../../../../worker/page/client/tree-layout.ts';
import { type OutlineItem, outlineOf } from '../../../../../worker/page/client/tree-outline.ts';
import {
  anyBeams,
  beams,
  type Case,
  cases,
  groups,
  run,
  sampling,
} from '../../../../support/decoding-cases.ts';

const METRICS = { cell: 7, line: 22, prompt: 9 };
/** No font's numbers are exact. */
const ROUNDING = 1e-6;
const textOf = (token: number) => ` ${token}`;

function addTo(tree: SearchTree, event: DecodingEvent): void {
  if (event.type !== 'beams') return;
  tree.addFront(
    event.step,
    event.beams.map((beam) => ({ ...beam, text: textOf(beam.token) })),
  );
}

async function treeOf(given: Case, options: DecodingOptions): Promise<SearchTree> {
  const { events, result } = await run(given, options);
  const tree = new SearchTree();
  for (const event of events) addTo(tree, event);
  tree.rankReturned(result.sequences.flatMap(({ score }) => score ?? []));
  return tree;
}

async function sampledTree(given: Case, options: DecodingOptions): Promise<SearchTree> {
  const tree = new SearchTree();
  for (const event of (await run(given, options)).events) {
    if (event.type === 'token') tree.addToken(event.sequence, textOf(event.token), event.logprob);
    if (event.type === 'finished') tree.finishSample(event.sequence, event.reason);
  }
  return tree;
}

const textsOf = (node: TreeNode) => pathTo(node).map(({ text }) => text);
const allOf = (tree: SearchTree) => tree.upTo(tree.steps);

describe('the tree of a beam search', () => {
  it('leads to the texts that are returned, with their scores', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (given, options) => {
        const { result } = await run(given, options);
        const tree = await treeOf(given, options);
        const [best] = allOf(tree).filter(({ rank }) => rank === 1);
        const [sequence] = result.sequences;
        expect(best?.score).toBe(sequence?.score);
        // Of two that score the same either may be it.
        const same = result.sequences.filter(({ score }) => score === sequence?.score);
        expect(same.map(({ tokens }) => tokens.map(textOf))).toContainEqual(best && textsOf(best));
        const ranks = allOf(tree).flatMap(({ rank }) => rank ?? []);
        expect(ranks.toSorted((a, b) => a - b)).toEqual(result.sequences.map((_, i) => i + 1));
      }),
    );
  });

  it('knows at every step what was live then', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (given, options) => {
        const { events } = await run(given, options);
        const tree = await treeOf(given, options);
        for (const event of events) {
          if (event.type !== 'beams') continue;
          const fates = fatesAt(tree, event.step);
          const live = tree.at(event.step).filter((node) => fates.get(node) === 'live');
          expect(live.map(({ text }) => text)).toEqual(
            event.beams.filter(({ index }) => index !== null).map(({ token }) => textOf(token)),
          );
          for (const [node, fate] of fates) {
            if (fate !== 'dropped' && node.parent) expect(fates.get(node.parent)).not.toBe('dropped');
          }
        }
      }),
    );
  });

  it('leads from what is certain to the best that goes on', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (given, options) => {
        const tree = new SearchTree();
        const certain: string[] = [];
        for (const event of (await run(given, options)).events) {
          addTo(tree, event);
          if (event.type === 'token') certain.push(textOf(event.token));
          const live = liveAt(tree, tree.steps);
          const best = Math.max(...live.map(({ score }) => score));
          const texts = live.filter(({ score }) => score === best).map((node) => textsOf(node).join(''));
          const lead = leadAfter(tree, tree.steps, certain.length);
          if (live.length > 0) expect(texts).toContain(certain.join('') + lead);
          else expect(lead).toBe('');
        }
      }),
    );
  });

  it('counts the slots and the passes that the search takes', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), beams, async (given, options) => {
        const tree = new SearchTree();
        const { counts } = given.model;
        for await (const event of decode(given.model, given.prompt, options)) {
          if (event.type !== 'beams') continue;
          addTo(tree, event);
          const { shared, copied, branches } = slotsAt(tree, event.step);
          expect(given.prompt.length + shared).toBe(counts.nodes);
          expect(shared).toBeLessThanOrEqual(copied);
          expect(copied).toBe(branches * (event.step - 1));
        }
        const passes = passesOf(tree.steps, mostBranches(tree), given.prompt.length, 64);
        expect(passes).toBe(counts.evaluateCalls);
      }),
    );
  });

  it('counts once what groups share', () => {
    const tree = new SearchTree();
    const beam = { parent: 0, logprob: -1, score: -1, finished: null };
    tree.addFront(1, [
      { ...beam, group: 0, index: 0, text: 'a' },
      { ...beam, group: 1, index: 1, text: 'a' },
    ]);
    tree.addFront(2, []);
    expect(slotsAt(tree, 2)).toEqual({ shared: 1, copied: 2, branches: 2 });
  });
});

it('a search takes a pass for each chunk of the prompt, and for each so many beams', () => {
  expect(passesOf(0, 1, 5, 64)).toBe(0);
  expect(passesOf(1, 4, 64, 64)).toBe(1);
  expect(passesOf(10, 4, 130, 64)).toBe(3 + 9);
  expect(passesOf(10, 100, 1, 64)).toBe(1 + 18);
});

describe('the tree of samples', () => {
  it('has every sample, and what they begin with once', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), sampling, async (given, options) => {
        const { result } = await run(given, options);
        const tree = await sampledTree(given, options);
        const paths = allOf(tree).map((node) => textsOf(node).join());
        expect(new Set(paths).size).toBe(paths.length);
        const prefixes = result.sequences.flatMap(({ tokens }) =>
          tokens.map((_, i) =>
            tokens
              .slice(0, i + 1)
              .map(textOf)
              .join(),
          ),
        );
        expect(new Set(paths)).toEqual(new Set(prefixes));
        const ends = allOf(tree).filter(({ finished }) => finished !== null);
        expect(ends.reduce((sum, { branches }) => sum + branches, 0)).toBe(result.sequences.length);
      }),
    );
  });
});

const firstOf = ({ nodes }: Run) => nodes[0] as TreeNode;

/** Among those of its group. */
function laneOf(run: Run, bands: Layout['bands']): number {
  return Math.floor((run.y - (bands[firstOf(run).group]?.top ?? 0)) / METRICS.line);
}

/** Of the text with its mark. */
function boxOf({ x, y, text, mark }: Run) {
  return { from: x, to: x + (text.length + mark.length) * METRICS.cell, y };
}

function expectSound({ runs, root, width, height, bands }: Layout): void {
  for (const run of runs) {
    const { from, x, y, end, text } = run;
    expect(end).toBeCloseTo(x + text.length * METRICS.cell);
    // Time goes to the right.
    expect(from.turnX).toBeGreaterThanOrEqual(from.x - ROUNDING);
    expect(x).toBeGreaterThan(from.turnX);
    expect(x).toBeGreaterThan(root.x);
    expect(boxOf(run).to).toBeLessThanOrEqual(width);
    expect(y).toBeLessThan(height);
    const band = bands[firstOf(run).group];
    expect(y - METRICS.line / 2).toBeGreaterThanOrEqual(band?.top ?? Number.NaN);
    expect(y).toBeLessThan((band?.top ?? 0) + (band?.height ?? 0));
  }
  for (const [, inLane] of Map.groupBy(runs, ({ y }) => y)) {
    const boxes = inLane.map(boxOf).sort((a, b) => a.from - b.from);
    for (const [i, box] of boxes.entries()) {
      const before = boxes[i - 1];
      if (before) expect(box.from).toBeGreaterThanOrEqual(before.to - ROUNDING);
    }
  }
}

describe.each([
  ['beams', beams, treeOf],
  ['groups', groups, treeOf],
  ['samples', sampling, sampledTree],
] as const)('the drawing of %s', (_, anyOptions, makeTree) => {
  it('has everything once, and nothing over anything', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyOptions, fc.boolean(), async (given, options, dropped) => {
        const tree = await makeTree(given, options);
        for (let step = 1; step <= tree.steps; step++) {
          const layout = layOut(tree, step, METRICS, dropped);
          const fates = fatesAt(tree, step);
          const drawn = layout.runs.flatMap(({ nodes }) => nodes);
          expect(new Set(drawn).size).toBe(drawn.length);
          expect(new Set(drawn)).toEqual(
            new Set(tree.upTo(step).filter((node) => dropped || fates.get(node) !== 'dropped')),
          );
          expectSound(layout);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is one run where nothing forks, and stays where it was as time goes on', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyOptions, async (given, options) => {
        const tree = await makeTree(given, options);
        let before = new Map<TreeNode, { x: number; lane: number }>();
        for (let step = 1; step <= tree.steps; step++) {
          const { runs, bands } = layOut(tree, step, METRICS, true);
          const now = new Map(runs.map((run) => [firstOf(run), { x: run.x, lane: laneOf(run, bands) }]));
          for (const [node, place] of before) expect(now.get(node)).toEqual(place);
          before = now;
          for (const { nodes } of runs) {
            for (const node of nodes.slice(0, -1)) expect(node.children).toHaveLength(1);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is told in words as well', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyOptions, async (given, options) => {
        const tree = await makeTree(given, options);
        const layout = layOut(tree, tree.steps, METRICS, true);
        const count = (items: readonly OutlineItem[]): number =>
          items.reduce((sum, { children }) => sum + 1 + count(children), 0);
        const items = outlineOf(layout, layout.bands.length > 1);
        expect(count(items)).toBe(layout.runs.length);
        expect(JSON.stringify(items)).not.toMatch(/undefined|NaN/);
      }),
      { numRuns: 30 },
    );
  });
});

it('words say what became of a run', () => {
  const tree = new SearchTree();
  const beam = { group: 0, parent: 0, logprob: -1, finished: null };
  tree.addFront(1, [
    { ...beam, index: 0, text: ' a', score: -1 },
    { ...beam, index: 1, text: ' b', score: -2 },
  ]);
  tree.addFront(2, [
    { ...beam, index: 0, text: ' c', score: -3 },
    { ...beam, index: null, text: ' d', score: -0.5, finished: 'eos' },
  ]);
  const words = (step: number) => JSON.stringify(outlineOf(layOut(tree, step, METRICS, true), false));
  expect(words(1)).toContain('“a”, step 1: goes on with score −1.00');
  expect(words(2)).toContain('“b”, step 1: dropped');
  expect(words(2)).toContain('“c”, step 2: goes on with score −3.00');
  expect(words(2)).toContain('“d”, step 2: finished (eos) with score −0.500');
  tree.rankReturned([-0.5]);
  expect(words(2)).toContain('finished (eos) with score −0.500, returned as text 1');
});

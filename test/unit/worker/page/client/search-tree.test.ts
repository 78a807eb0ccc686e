/** @module Properties of the page's tree, layout and costs, with events of real searches on small models. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../../../decoding/decode.ts';
import type { DecodingEvent } from '../../../../../decoding/interface/events.ts';
import type { DecodingOptions } from '../../../../../decoding/options/options.ts';
import { countPasses, maxBranches, slotsAt } from '../../../../../worker/page/client/costs.ts';
import {
  activeAt,
  leadingText,
  pathTo,
  SearchTree,
  statusesAt,
  type TreeNode,
} from '../../../../../worker/page/client/search-tree.ts';
import { type Layout, layoutTree, type Run } from '../../../../../worker/page/client/tree-layout.ts';
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
/** Tolerance for rounding errors of sums of widths. */
const ROUNDING = 1e-6;
const textOfToken = (token: number) => ` ${token}`;

function addTo(tree: SearchTree, event: DecodingEvent): void {
  if (event.type !== 'beams') return;
  tree.addBeams(
    event.step,
    event.beams.map((beam) => ({ ...beam, text: textOfToken(beam.token) })),
  );
}

async function treeOf(testCase: Case, options: DecodingOptions): Promise<SearchTree> {
  const { events, result } = await run(testCase, options);
  const tree = new SearchTree();
  for (const event of events) addTo(tree, event);
  tree.rankReturned(result.sequences.flatMap(({ score }) => score ?? []));
  return tree;
}

async function sampledTree(testCase: Case, options: DecodingOptions): Promise<SearchTree> {
  const tree = new SearchTree();
  for (const event of (await run(testCase, options)).events) {
    if (event.type === 'token') tree.addToken(event.sequence, textOfToken(event.token), event.logprob);
    if (event.type === 'finished') tree.finishSample(event.sequence, event.reason);
  }
  return tree;
}

const pathTexts = (node: TreeNode) => pathTo(node).map(({ text }) => text);
const allOf = (tree: SearchTree) => tree.nodesUpTo(tree.steps);

describe('the tree of a beam search', () => {
  it('leads to the texts that are returned, with their scores', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (testCase, options) => {
        const { result } = await run(testCase, options);
        const tree = await treeOf(testCase, options);
        const [best] = allOf(tree).filter(({ rank }) => rank === 1);
        const [sequence] = result.sequences;
        expect(best?.score).toBe(sequence?.score);
        // Any of several with the best score may be ranked first.
        const equallyBest = result.sequences.filter(({ score }) => score === sequence?.score);
        expect(equallyBest.map(({ tokens }) => tokens.map(textOfToken))).toContainEqual(
          best && pathTexts(best),
        );
        const ranks = allOf(tree).flatMap(({ rank }) => rank ?? []);
        expect(ranks.toSorted((a, b) => a - b)).toEqual(result.sequences.map((_, i) => i + 1));
      }),
    );
  });

  it('has the active nodes of every step', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (testCase, options) => {
        const { events } = await run(testCase, options);
        const tree = await treeOf(testCase, options);
        for (const event of events) {
          if (event.type !== 'beams') continue;
          const statuses = statusesAt(tree, event.step);
          const active = tree.nodesAt(event.step).filter((node) => statuses.get(node) === 'active');
          expect(active.map(({ text }) => text)).toEqual(
            event.beams.filter(({ index }) => index !== null).map(({ token }) => textOfToken(token)),
          );
          for (const [node, status] of statuses) {
            if (status !== 'dropped' && node.parent) expect(statuses.get(node.parent)).not.toBe('dropped');
          }
        }
      }),
    );
  });

  it('continues the certain text with the best active beam', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (testCase, options) => {
        const tree = new SearchTree();
        const certainTexts: string[] = [];
        for (const event of (await run(testCase, options)).events) {
          addTo(tree, event);
          if (event.type === 'token') certainTexts.push(textOfToken(event.token));
          const active = activeAt(tree, tree.steps);
          const bestScore = Math.max(...active.map(({ score }) => score));
          const texts = active
            .filter(({ score }) => score === bestScore)
            .map((node) => pathTexts(node).join(''));
          const continuation = leadingText(tree, tree.steps, certainTexts.length);
          if (active.length > 0) expect(texts).toContain(certainTexts.join('') + continuation);
          else expect(continuation).toBe('');
        }
      }),
    );
  });

  it('counts the cache slots and forward passes of the search', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), beams, async (testCase, options) => {
        const tree = new SearchTree();
        const { counts } = testCase.model;
        for await (const event of decode(testCase.model, testCase.prompt, options)) {
          if (event.type !== 'beams') continue;
          addTo(tree, event);
          const { shared, copied, branches } = slotsAt(tree, event.step);
          expect(testCase.prompt.length + shared).toBe(counts.nodes);
          expect(shared).toBeLessThanOrEqual(copied);
          expect(copied).toBe(branches * (event.step - 1));
        }
        const passes = countPasses(tree.steps, maxBranches(tree), testCase.prompt.length, 64);
        expect(passes).toBe(counts.evaluateCalls);
      }),
    );
  });

  it('counts a prefix that groups share once', () => {
    const tree = new SearchTree();
    const beam = { parent: 0, logprob: -1, score: -1, finished: null };
    tree.addBeams(1, [
      { ...beam, group: 0, index: 0, text: 'a' },
      { ...beam, group: 1, index: 1, text: 'a' },
    ]);
    tree.addBeams(2, []);
    expect(slotsAt(tree, 2)).toEqual({ shared: 1, copied: 2, branches: 2 });
  });
});

it('a search takes a pass for each maxRows rows of its prompt, and of its beams per step', () => {
  expect(countPasses(0, 1, 5, 64)).toBe(0);
  expect(countPasses(1, 4, 64, 64)).toBe(1);
  expect(countPasses(10, 4, 130, 64)).toBe(3 + 9);
  expect(countPasses(10, 100, 1, 64)).toBe(1 + 18);
  expect(countPasses(10, 4, 5, Number.POSITIVE_INFINITY)).toBe(1 + 9);
});

describe('the tree of samples', () => {
  it('has every sample, with shared prefixes once', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), sampling, async (testCase, options) => {
        const { result } = await run(testCase, options);
        const tree = await sampledTree(testCase, options);
        const paths = allOf(tree).map((node) => pathTexts(node).join());
        expect(new Set(paths).size).toBe(paths.length);
        const prefixes = result.sequences.flatMap(({ tokens }) =>
          tokens.map((_, i) =>
            tokens
              .slice(0, i + 1)
              .map(textOfToken)
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

/** Index of a run's lane within its group. */
function laneOf(run: Run, bands: Layout['bands']): number {
  return Math.floor((run.y - (bands[firstOf(run).group]?.top ?? 0)) / METRICS.line);
}

/** Horizontal extent of a run's text with its mark. */
function boxOf({ x, y, text, mark }: Run) {
  return { from: x, to: x + (text.length + mark.length) * METRICS.cell, y };
}

function expectValidLayout({ runs, root, width, height, bands }: Layout): void {
  for (const run of runs) {
    const { from, x, y, endX, text } = run;
    expect(endX).toBeCloseTo(x + text.length * METRICS.cell);
    // Time runs from left to right.
    expect(from.turnX).toBeGreaterThanOrEqual(from.x - ROUNDING);
    expect(x).toBeGreaterThan(from.turnX);
    expect(x).toBeGreaterThan(root.x);
    expect(boxOf(run).to).toBeLessThanOrEqual(width);
    expect(y).toBeLessThan(height);
    const band = bands[firstOf(run).group];
    expect(y - METRICS.line / 2).toBeGreaterThanOrEqual(band?.top ?? Number.NaN);
    expect(y).toBeLessThan((band?.top ?? 0) + (band?.height ?? 0));
  }
  for (const [, laneRuns] of Map.groupBy(runs, ({ y }) => y)) {
    const boxes = laneRuns.map(boxOf).sort((a, b) => a.from - b.from);
    for (const [i, box] of boxes.entries()) {
      const previous = boxes[i - 1];
      if (previous) expect(box.from).toBeGreaterThanOrEqual(previous.to - ROUNDING);
    }
  }
}

describe.each([
  ['beams', beams, treeOf],
  ['groups', groups, treeOf],
  ['samples', sampling, sampledTree],
] as const)('the drawing of %s', (_, anyOptions, makeTree) => {
  it('has every node once, and no overlapping texts', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyOptions, fc.boolean(), async (testCase, options, dropped) => {
        const tree = await makeTree(testCase, options);
        for (let step = 1; step <= tree.steps; step++) {
          const layout = layoutTree(tree, step, METRICS, dropped);
          const statuses = statusesAt(tree, step);
          const drawn = layout.runs.flatMap(({ nodes }) => nodes);
          expect(new Set(drawn).size).toBe(drawn.length);
          expect(new Set(drawn)).toEqual(
            new Set(tree.nodesUpTo(step).filter((node) => dropped || statuses.get(node) !== 'dropped')),
          );
          expectValidLayout(layout);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('has runs without forks, whose positions never change in later steps', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyOptions, async (testCase, options) => {
        const tree = await makeTree(testCase, options);
        let previous = new Map<TreeNode, { x: number; lane: number }>();
        for (let step = 1; step <= tree.steps; step++) {
          const { runs, bands } = layoutTree(tree, step, METRICS, true);
          const current = new Map(runs.map((run) => [firstOf(run), { x: run.x, lane: laneOf(run, bands) }]));
          for (const [node, position] of previous) expect(current.get(node)).toEqual(position);
          previous = current;
          for (const { nodes } of runs) {
            for (const node of nodes.slice(0, -1)) expect(node.children).toHaveLength(1);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('has an outline with the same runs', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyOptions, async (testCase, options) => {
        const tree = await makeTree(testCase, options);
        const layout = layoutTree(tree, tree.steps, METRICS, true);
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

it('the outline describes the outcome of each run', () => {
  const tree = new SearchTree();
  const beam = { group: 0, parent: 0, logprob: -1, finished: null };
  tree.addBeams(1, [
    { ...beam, index: 0, text: ' a', score: -1 },
    { ...beam, index: 1, text: ' b', score: -2 },
  ]);
  tree.addBeams(2, [
    { ...beam, index: 0, text: ' c', score: -3 },
    { ...beam, index: null, text: ' d', score: -0.5, finished: 'eos' },
  ]);
  const outline = (step: number) => JSON.stringify(outlineOf(layoutTree(tree, step, METRICS, true), false));
  expect(outline(1)).toContain('“a”, step 1: active with score −1.00');
  expect(outline(2)).toContain('“b”, step 1: dropped');
  expect(outline(2)).toContain('“c”, step 2: active with score −3.00');
  expect(outline(2)).toContain('“d”, step 2: finished (eos) with score −0.500');
  tree.rankReturned([-0.5]);
  expect(outline(2)).toContain('finished (eos) with score −0.500, returned as text 1');
});

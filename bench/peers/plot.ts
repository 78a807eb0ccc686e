/** @module Plots the settled figures as bars, in SVG. */
import { milliseconds } from '../format.ts';
import { settledMedian } from './report.ts';
import { BEAMS, PAST, type PeerResults, PROMPT, type WorkName } from './schedule.ts';

const PANELS: readonly (readonly [WorkName, string])[] = [
  ['greedy', `Greedy search: ms a token after ${PAST}`],
  ['beams', `${BEAMS} beams: ms a step after ${PAST}`],
  ['prompt', `First token after a prompt of ${PROMPT}, ms`],
];
const [LABELS, BARS, FIGURES, ROW, TITLE] = [290, 400, 70, 24, 40];
/** Distinguishable on white and on black. */
const [EDGEBEAM_COLOR, PEER_COLOR, TEXT_COLOR] = ['#e8710a', '#7c93b2', '#808080'];

export function plot(results: readonly PeerResults[]): string {
  const panelHeight = TITLE + results.length * ROW;
  const [width, height] = [LABELS + BARS + FIGURES, PANELS.length * panelHeight + 10];
  const panels = PANELS.map(([work, title], i) => panel(results, work, title, i * panelHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="${TEXT_COLOR}">`,
    '<title>edgebeam and its peers: settled times, shorter is better</title>',
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function panel(results: readonly PeerResults[], work: WorkName, title: string, top: number): string {
  const medians = results.map((result) => settledMedian(result, work));
  const longest = Math.max(...medians.map((value) => value ?? 0));
  const rows = results.map(({ name, precision }, i) => {
    const value = medians[i] ?? null;
    const y = top + TITLE + i * ROW;
    const length = value === null || longest === 0 ? 0 : (value / longest) * BARS;
    const color = name.startsWith('edgebeam') ? EDGEBEAM_COLOR : PEER_COLOR;
    return [
      text(LABELS - 8, y + 13, `${name.replaceAll('`', '')}, ${precision}`, 'end'),
      `<rect x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${ROW - 6}" fill="${color}"/>`,
      text(LABELS + length + 6, y + 13, value === null ? 'cannot' : milliseconds(value)),
    ].join('\n');
  });
  return [text(LABELS, top + TITLE - 12, title, 'start', 'bold'), ...rows].join('\n');
}

function text(x: number, y: number, content: string, anchor = 'start', weight = 'normal'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" font-weight="${weight}">${escaped}</text>`;
}

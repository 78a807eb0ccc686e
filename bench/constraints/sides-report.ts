/** @module Formats the comparison with other packages as Markdown. */
import { median, percentile, table } from '../format.ts';
import type { Judgement } from './side-child.ts';
import type { ComparedSide, ConstraintComparison } from './sides.ts';

const TITLES = {
  edgebeam: 'edgebeam',
  transformers: '@huggingface/transformers-structured-output 4.3.0',
  xgrammar: '@mlc-ai/web-xgrammar 0.1.27',
};

export function reportComparison({ schemas, sides }: ConstraintComparison): string {
  const common = Array.from({ length: schemas }, (_, i) => i).filter((i) =>
    sides.every(({ judgements }) => judgements[i] !== undefined && judgements[i].refusal === undefined),
  );
  return [
    `**JSON schemas against npm's other packages for them**, ${schemas} schemas, GPT-2's vocabulary, each side in a Node process of its own, schema by schema in turn:`,
    verdicts(sides),
    `**The ${common.length} schemas that all of them compile**: masks in µs, compilation in ms, MB beyond the process before:`,
    figures(sides, common),
  ].join('\n\n');
}

function verdicts(sides: readonly ComparedSide[]): string {
  const header = ['of all schemas', 'refused', 'over 20 s, or the process ended', 'all texts right'];
  const rows = sides.map(({ name, judgements }) => [
    TITLES[name],
    String(judgements.filter((judgement) => judgement?.refusal !== undefined).length),
    String(judgements.filter((judgement) => !judgement).length),
    String(judgements.filter((judgement) => judgement && isRight(judgement)).length),
  ]);
  return table(header, rows);
}

function figures(sides: readonly ComparedSide[], common: readonly number[]): string {
  const header = [
    ...['', 'texts', 'right', 'valid rejected', 'invalid accepted'],
    ...['mask mean', 'p50', 'p99', 'max', 'compile p50', 'p99', 'max'],
    ...['vocabulary ms', 'vocabulary MB', 'after all MB'],
  ];
  const rows = sides.map(({ name, loaded, judgements }) => {
    const judged = common.map((i) => judgements[i] as Judgement);
    const sum = (figure: (judgement: Judgement) => number) =>
      judged.reduce((total, judgement) => total + figure(judgement), 0);
    const [rejected, accepted] = [
      sum(({ validRejected }) => validRejected),
      sum(({ invalidAccepted }) => invalidAccepted),
    ];
    const texts = sum((judgement) => judgement.texts);
    const masks = judged.flatMap((judgement) => judgement.masks);
    const compilations = judged.map(({ compilation }) => compilation);
    return [
      TITLES[name],
      ...[texts, texts - rejected - accepted, rejected, accepted].map(String),
      (masks.reduce((total, mask) => total + mask, 0) / masks.length).toFixed(1),
      ...[median(masks), percentile(masks, 99), percentile(masks, 100)].map((time) => time.toFixed(1)),
      ...[median(compilations), percentile(compilations, 99), percentile(compilations, 100)].map((time) =>
        time.toFixed(2),
      ),
      loaded.milliseconds.toFixed(0),
      ...[loaded.bytes, judged.at(-1)?.bytes ?? 0].map((bytes) => (bytes / 1e6).toFixed(1)),
    ];
  });
  return table(header, rows);
}

const isRight = ({ refusal, validRejected, invalidAccepted }: Judgement) =>
  refusal === undefined && validRejected + invalidAccepted === 0;

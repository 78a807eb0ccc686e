/** @module The ids that a tokenizer adds before and after a text. */
import * as z from 'zod';
import type { Template } from '../../../tokenizer/format/description.ts';
import { check, fail } from '../files/folder.ts';
import type { Step } from '../files/tokenizer-json.ts';
import { type LocatedStep, stepsOf } from './steps.ts';

const id = z.int().nonnegative();
const tokenWithId = z.tuple([z.string(), id]);
const bert = z.object({ sep: tokenWithId, cls: tokenWithId });
const piece = z.union([
  z.object({ SpecialToken: z.object({ id: z.string() }) }),
  z.object({ Sequence: z.object({ id: z.enum(['A', 'B']) }) }),
]);
const template = z.object({
  single: z.array(piece),
  special_tokens: z.custom<unknown>((value) => typeof value === 'object' && value !== null).default({}),
});
const specialToken = z.object({ ids: z.array(id) });

/** @throws CheckpointError for a post-processor that is not supported */
export function describeTemplate(step: Step | null | undefined, location: string): Template {
  let before: number[] = [];
  let after: number[] = [];
  for (const located of stepsOf(step, location, 'processors')) {
    const added = describe(located);
    before = [...added.before, ...before];
    after = [...after, ...added.after];
  }
  return { before, after };
}

function describe({ step, location }: LocatedStep): Template {
  switch (step.type) {
    case 'ByteLevel': // changes offsets only
      return { before: [], after: [] };
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const { sep, cls } = check(location, bert, step);
      return { before: [cls[1]], after: [sep[1]] };
    }
    case 'TemplateProcessing':
      return readTemplate(step, location);
    default:
      return fail(location, `the post-processor "${step.type}" is not supported`);
  }
}

function readTemplate(step: Step, location: string): Template {
  const { single, special_tokens } = check(location, template, step);
  const idsByName = new Map(Object.entries(special_tokens as object));
  const texts = single.flatMap((part, i) => ('Sequence' in part ? [i] : []));
  const [text] = texts;
  if (text === undefined || texts.length > 1) {
    fail(`${location}.single`, `has the text ${texts.length} times, expected once`);
  }
  const idsOf = (parts: typeof single) =>
    parts.flatMap((part) => {
      const name = 'SpecialToken' in part ? part.SpecialToken.id : '';
      return check(`${location}.special_tokens.${name}`, specialToken, idsByName.get(name)).ids;
    });
  return { before: idsOf(single.slice(0, text)), after: idsOf(single.slice(text + 1)) };
}

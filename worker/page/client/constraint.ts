/** @module The constraint that a search may have: its kinds, an example of each, and its field in the API. */
import { parseLines } from './lines.ts';

export type ConstraintKind = 'choice' | 'regex' | 'json';

export interface Constraint {
  readonly kind: ConstraintKind;
  /** As typed. */
  readonly text: string;
}

interface Description {
  readonly title: string;
  readonly description: string;
  /** Lines of its text field. */
  readonly rows: number;
  readonly example: string;
}

/** Its lines fit the form. */
const SCHEMA = `{
  "type": "object",
  "properties": {
    "name": {
      "enum": ["Lily", "Tom", "Sue"]
    },
    "pet": {
      "enum": ["cat", "dog", "a frog"]
    },
    "age": {
      "type": "integer",
      "minimum": 1,
      "maximum": 12
    },
    "happy": { "type": "boolean" }
  },
  "required":
    ["name", "pet", "age", "happy"],
  "additionalProperties": false
}`;

/** Under their names in the API's `structured_outputs`. */
export const CONSTRAINTS: Readonly<Record<ConstraintKind, Description>> = {
  choice: {
    title: 'Choices',
    description: 'The text is one of these lines. A space at the beginning counts; \\n is a line break.',
    rows: 5,
    example: ' a dog\n a cat\n a big, friendly bird\n a bear\n nothing at all',
  },
  regex: {
    title: 'Regex',
    description: 'The whole text matches this expression, in JavaScript’s syntax.',
    rows: 3,
    example: ' [A-Z][a-z]{2,7} and [A-Z][a-z]{2,7} liked to (play|sing|run) in the [a-z]{3,8}\\.',
  },
  json: {
    title: 'JSON schema',
    description: 'The text is JSON that this schema accepts.',
    rows: 12,
    example: SCHEMA,
  },
};

export const CONSTRAINT_KINDS = Object.keys(CONSTRAINTS) as readonly ConstraintKind[];

/** The request fields of a constraint. A schema that is no JSON is sent as typed, so that the API reports the error. */
export function constraintFields(constraint: Constraint | undefined): Readonly<Record<string, unknown>> {
  if (!constraint) return {};
  const { kind, text } = constraint;
  const value = { choice: parseLines, regex: (typed: string) => typed, json: parseSchema }[kind](text);
  return { structured_outputs: { [kind]: value } };
}

function parseSchema(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

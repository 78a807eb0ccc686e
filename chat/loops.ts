/**
 * @module The rounds of a loop. In jinja2 what a round sets is gone in the next one, and what it has written before a
 * `break` or `continue` stays; the package keeps the former and drops the latter.
 */
import { Environment } from '@huggingface/jinja';
import type { Statement } from './statements.ts';

/** A round, in place of a loop's body. */
export interface Round extends Statement {
  readonly type: 'Round';
  readonly body: readonly Statement[];
  /** Of one run of the loop. */
  readonly state: RoundState;
}

interface RoundState {
  /** A `break` has ended the loop. */
  broken: boolean;
  /** A round has come to its end. If none has, the loop's `else` follows, also after `break` and `continue`. */
  completed: boolean;
}

/** The loop with rounds as its body, and without its `else`. */
export function withRounds(loop: Statement): { readonly loop: Statement; readonly state: RoundState } {
  const state = { broken: false, completed: false };
  const round: Round = { type: 'Round', body: loop.body as readonly Statement[], state };
  return { loop: { ...loop, body: [round], defaultBlock: [] }, state };
}

/** What ends a round. */
class Control extends Error {
  readonly isBreak: boolean;
  /** Written in the round before it. */
  text = '';

  constructor(isBreak: boolean) {
    super(`there is a ${isBreak ? 'break' : 'continue'} outside of a loop`);
    this.isBreak = isBreak;
  }
}

/** `break` or `continue`. @throws always */
export function leaveRound(statement: Statement): never {
  throw new Control(statement.type === 'Break');
}

type Write = (statement: Statement, environment: Environment) => string;

/** The text of statements one after the other. What they have written before a `break` or `continue` goes with it. */
export function blockText(statements: readonly Statement[], environment: Environment, write: Write): string {
  let text = '';
  for (const statement of statements) {
    try {
      text += write(statement, environment);
    } catch (error) {
      if (error instanceof Control) error.text = text + error.text;
      throw error;
    }
  }
  return text;
}

export function roundText({ body, state }: Round, environment: Environment, write: Write): string {
  if (state.broken) return '';
  try {
    const text = blockText(body, new Environment(environment), write);
    state.completed = true;
    return text;
  } catch (error) {
    if (!(error instanceof Control)) throw error;
    state.broken = error.isBreak;
    return error.text;
  }
}

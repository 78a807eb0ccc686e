/**
 * @module The scheduling policy: which rows of the waiting calls go into the next forward pass.
 *
 * Every call that waits for a token takes part with all rows of its step: eight beams and a single sample
 * both advance by one token. When a pass has too few rows for all steps, they get even shares, and what a
 * call leaves of its share goes to the others. Prompts share the remaining rows in the same way. Beside
 * steps, a pass takes at most as many prompt rows as step rows, or as many for each prompt as are nearly
 * free. So a long prompt about doubles the time of the others' steps, and a call waits for at most one step
 * and one chunk.
 */

/** A pass of this many rows takes less than twice the time of a pass of one row, at any precision. */
const CHEAP_ROWS = 4;

interface WaitingCall {
  /** Whether the rows are a prompt, or scored texts, and not a step. */
  readonly isPrompt: boolean;
  readonly rows: { readonly length: number };
}

/** The first `rowCount` rows of a call take part in a pass. */
export interface PassShare<Call> {
  readonly call: Call;
  readonly rowCount: number;
}

/** @param calls in order of priority */
export function sharePass<Call extends WaitingCall>(
  calls: readonly Call[],
  maxRows: number,
): PassShare<Call>[] {
  const steps = calls.filter(({ isPrompt }) => !isPrompt);
  const prompts = calls.filter(({ isPrompt }) => isPrompt);
  const stepShares = shareEvenly(steps, prompts.length > 0 ? Math.max(1, maxRows - CHEAP_ROWS) : maxRows);
  const stepRows = stepShares.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const passRows = stepRows > 0 ? Math.max(2 * stepRows, CHEAP_ROWS * prompts.length) : maxRows;
  return [...stepShares, ...shareEvenly(prompts, Math.min(passRows, maxRows) - stepRows)];
}

/** Shares out up to `maxRows` rows. Smallest calls come first, so larger calls get the rows they leave. */
function shareEvenly<Call extends WaitingCall>(calls: readonly Call[], maxRows: number): PassShare<Call>[] {
  const served = calls.slice(0, maxRows).sort((a, b) => a.rows.length - b.rows.length);
  let remaining = maxRows;
  return served.map((call, i) => {
    const rowCount = Math.min(call.rows.length, Math.floor(remaining / (served.length - i)));
    remaining -= rowCount;
    return { call, rowCount };
  });
}

/** @module The regular expressions by which an adapter gives some modules another rank or alpha. */
import { CheckpointError } from '../interface/errors.ts';

const MAX_LENGTH = 200;
/** Repetitions without a group, of which two take at most the square of a module's name in time. */
const MAX_REPETITIONS = 2;
const MAX_CHOICES = 8;

/**
 * Finds the first pattern that matches a module's name, or its end after a dot, as peft does.
 *
 * A pattern of a stranger could take exponential time. Only those that cannot are matched.
 *
 * @param label of the field, for errors.
 * @throws CheckpointError for a pattern that JavaScript does not know, or one that could take long.
 */
export function findPattern<T>(
  patterns: Readonly<Record<string, T>>,
  module: string,
  label: string,
): T | undefined {
  const entry = Object.entries(patterns).find(([pattern]) => compile(pattern, label).test(module));
  return entry?.[1];
}

function compile(pattern: string, label: string): RegExp {
  const repetitions = pattern.match(/[*+{]/g)?.length ?? 0;
  const choices = pattern.match(/[|?]/g)?.length ?? 0;
  const isSlow =
    pattern.length > MAX_LENGTH ||
    repetitions > MAX_REPETITIONS ||
    choices > MAX_CHOICES ||
    /\)[*+{]|\\[1-9k]/.test(pattern);
  try {
    if (!isSlow) return new RegExp(`^(?:.*\\.)?(?:${pattern})$`);
  } catch {}
  throw new CheckpointError(
    `${label}: ${JSON.stringify(pattern).slice(0, 100)} is not supported, expected the name of a module, or a ` +
      `regular expression with at most ${MAX_REPETITIONS} repetitions, none of a group`,
  );
}

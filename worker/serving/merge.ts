/** @module Merges async generators. */

/** Yields the values of all generators as they arrive. Leaving the loop returns them all. */
export async function* merge<T>(
  generators: readonly AsyncGenerator<T, void, undefined>[],
): AsyncGenerator<T, void, undefined> {
  const next = (generator: AsyncGenerator<T, void, undefined>) => {
    const nextResult = generator.next().then((result) => ({ generator, result }));
    // With a slow reader it may reject before it is awaited. The next read throws the error.
    nextResult.catch(() => {});
    return nextResult;
  };
  const pending = new Map(generators.map((generator) => [generator, next(generator)]));
  try {
    while (pending.size > 0) {
      const { generator, result } = await Promise.race(pending.values());
      if (result.done) {
        pending.delete(generator);
        continue;
      }
      pending.set(generator, next(generator));
      yield result.value;
    }
  } finally {
    // A running generator returns after its current step.
    const returned = generators.map((generator) => generator.return());
    await Promise.allSettled([...pending.values(), ...returned]);
  }
}

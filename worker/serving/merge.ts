/** @module Several async generators as one. */

/** Yields the values of all generators as they come. Leaving it leaves them all. */
export async function* merge<T>(
  generators: readonly AsyncGenerator<T, void, undefined>[],
): AsyncGenerator<T, void, undefined> {
  const next = (generator: AsyncGenerator<T, void, undefined>) => {
    const coming = generator.next().then((result) => ({ generator, result }));
    // It may reject while nobody awaits it, for instance when the reader is slow; the next read gets the error.
    coming.catch(() => {});
    return coming;
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
    // A generator in the middle of its work returns when that is done.
    const returned = generators.map((generator) => generator.return());
    await Promise.allSettled([...pending.values(), ...returned]);
  }
}

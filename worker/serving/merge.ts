/** @module Several generators as one. */

/** Yields what any of them yields, as it comes. Leaving it leaves them all. */
export async function* merge<T>(
  generators: readonly AsyncGenerator<T, void, undefined>[],
): AsyncGenerator<T, void, undefined> {
  const next = (generator: AsyncGenerator<T, void, undefined>) => {
    const coming = generator.next().then((result) => ({ generator, result }));
    // It may fail while nobody waits for it, as when a reader is slow: who asks next is told.
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
    // A generator that is still working is left when its work is done.
    const left = generators.map((generator) => generator.return());
    await Promise.allSettled([...pending.values(), ...left]);
  }
}

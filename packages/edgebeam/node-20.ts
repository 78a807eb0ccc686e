/** @module What the commands use of later versions, for Node 20. Part of the bundle of the command, not of the libraries. */

Promise.withResolvers ??= <T>() => {
  let resolvers: Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    resolvers = { resolve, reject };
  });
  // A promise's function has run when the promise exists.
  return { promise, ...(resolvers as NonNullable<typeof resolvers>) };
};

globalThis.DisposableStack ??= class implements DisposableStack {
  readonly [Symbol.toStringTag] = 'DisposableStack';
  #callbacks: (() => void)[] = [];
  disposed = false;

  use<T extends Disposable | null | undefined>(value: T): T {
    if (value) this.defer(() => value[Symbol.dispose]());
    return value;
  }

  adopt<T>(value: T, dispose: (value: T) => void): T {
    this.defer(() => dispose(value));
    return value;
  }

  defer(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  move(): DisposableStack {
    const moved = new DisposableStack();
    for (const callback of this.#callbacks.splice(0)) moved.defer(callback);
    this.disposed = true;
    return moved;
  }

  dispose(): void {
    this.disposed = true;
    for (const callback of this.#callbacks.splice(0).reverse()) callback();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
};

Array.fromAsync ??= async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

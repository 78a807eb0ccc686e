/** @module Objects whose keys keep their order in JSON. */

/**
 * An object with the entries of `entries`. `JSON.stringify` writes them in their order, also keys like "0":
 * an ordinary object lists keys that look like array indices first.
 */
export function orderedRecord<Value>(entries: ReadonlyMap<string, Value>): Record<string, Value> {
  const record = Object.fromEntries(entries);
  const names = [...entries.keys()];
  if (!names.some((name) => /^\d+$/.test(name))) return record;
  return new Proxy(record, { ownKeys: () => names });
}

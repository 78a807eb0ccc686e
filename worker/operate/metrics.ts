/** @module Counters of an isolate, in Prometheus' text format 0.0.4. */

type Labels = Readonly<Record<string, string>>;

/** A number that only grows, for each set of labels. */
export class Counter {
  readonly #values = new Map<string, number>();
  readonly #name: string;
  readonly #help: string;

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels, amount = 1): void {
    const key = labelText(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  *lines(): Generator<string> {
    yield* head(this.#name, this.#help, 'counter');
    for (const [labels, value] of this.#values) yield `${this.#name}${labels} ${value}`;
  }
}

/** How many of what was observed were at most so large. */
export class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>();

  /** @param bounds rising */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const key = labelText(labels);
    const series = this.#series.get(key) ?? { labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
    this.#series.set(key, series);
    series.counts = series.counts.map((count, i) => count + Number(value <= (this.#bounds[i] ?? 0)));
    series.sum += value;
    series.count++;
  }

  *lines(): Generator<string> {
    yield* head(this.#name, this.#help, 'histogram');
    for (const { labels, counts, sum, count } of this.#series.values()) {
      const text = labelText(labels);
      for (const [i, bound] of this.#bounds.entries()) {
        yield `${this.#name}_bucket${labelText({ ...labels, le: String(bound) })} ${counts[i]}`;
      }
      yield `${this.#name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`;
      yield `${this.#name}_sum${text} ${sum}`;
      yield `${this.#name}_count${text} ${count}`;
    }
  }
}

/** A number as it is now, for each set of labels. */
export function* gauge(
  name: string,
  help: string,
  values: readonly (readonly [Labels, number])[],
): Generator<string> {
  yield* head(name, help, 'gauge');
  for (const [labels, value] of values) yield `${name}${labelText(labels)} ${value}`;
}

function* head(name: string, help: string, type: string): Generator<string> {
  yield `# HELP ${name} ${help}`;
  yield `# TYPE ${name} ${type}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

const escaped = (value: string) => value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');

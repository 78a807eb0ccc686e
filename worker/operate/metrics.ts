/** @module Metrics in Prometheus' text format 0.0.4. */

export type Labels = Readonly<Record<string, string>>;

interface Sample {
  /** Appended to the family's name. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels: Labels;
  readonly value: number;
}

/** A metric family: all samples of one metric name. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: Iterable<Sample>;
}

/** A monotonic number per set of labels. */
export class Counter implements Family {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #series = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  add(labels: Labels, amount = 1): void {
    const key = JSON.stringify(labels);
    const series = this.#series.get(key) ?? { labels, value: 0 };
    this.#series.set(key, series);
    series.value += amount;
  }

  get samples(): Iterable<Sample> {
    return this.#series.values();
  }
}

interface Distribution {
  readonly labels: Labels;
  /** For each bound, the number of values up to it. */
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Cumulative counts of observed values per bucket, for each set of labels. */
export class Histogram implements Family {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Distribution>();

  /** @param bounds upper bounds of the buckets, ascending */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
  }

  /** @param times number of observations of this value */
  observe(labels: Labels, value: number, times = 1): void {
    const key = JSON.stringify(labels);
    const series = this.#series.get(key) ?? { labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
    this.#series.set(key, series);
    for (const [i, bound] of this.#bounds.entries()) {
      if (value <= bound) series.counts[i] = (series.counts[i] ?? 0) + times;
    }
    series.sum += times * value;
    series.count += times;
  }

  get samples(): Iterable<Sample> {
    return [...this.#series.values()].flatMap((series) => [...this.#samplesOf(series)]);
  }

  *#samplesOf({ labels, counts, sum, count }: Distribution): Generator<Sample> {
    for (const [i, bound] of this.#bounds.entries()) {
      yield { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: counts[i] ?? 0 };
    }
    yield { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count };
    yield { suffix: '_sum', labels, value: sum };
    yield { suffix: '_count', labels, value: count };
  }
}

/** A current number per set of labels. */
export function gauge(name: string, help: string, values: readonly (readonly [Labels, number])[]): Family {
  return { name, help, type: 'gauge', samples: values.map(([labels, value]) => ({ labels, value })) };
}

/** @param common labels that are added to every sample */
export function prometheusText(families: Iterable<Family>, common: Labels): string {
  let text = '';
  for (const { name, help, type, samples } of families) {
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const { suffix = '', labels, value } of samples) {
      text += `${name}${suffix}${labelText({ ...labels, ...common })} ${value}\n`;
    }
  }
  return text;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

const escaped = (value: string) => value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');

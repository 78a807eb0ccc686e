/** @module Reads Prometheus' text format 0.0.4 as strictly as the format is told. */

export interface Metric {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const HEAD = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);

/** @throws Error for a line that is none, a sample outside its family, a series that comes twice */
export function parsePrometheus(text: string): Map<string, Metric> {
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed');
  const metrics = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const series = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name = '', rest = ''] = HEAD.exec(line) ?? [];
    if (kind === 'HELP') {
      if (metrics.has(name)) throw new Error(`${name} has two HELP lines`);
      metrics.set(name, { type: '', help: rest, samples: [] });
      current = name;
      continue;
    }
    const metric = metrics.get(current);
    if (!metric) throw new Error(`nothing was told of what this is: ${line}`);
    if (kind === 'TYPE') {
      if (name !== current || metric.type !== '') throw new Error(`out of place: ${line}`);
      metric.type = rest;
      continue;
    }
    const sample = sampleOf(line);
    const own = metric.type === 'histogram' ? /_(bucket|sum|count)$/ : /$/;
    if (sample.name.replace(own, '') !== current) throw new Error(`not of ${current}: ${line}`);
    const key = line.slice(0, line.lastIndexOf(' '));
    if (series.has(key)) throw new Error(`twice: ${key}`);
    series.add(key);
    metric.samples.push(sample);
  }
  return metrics;
}

function sampleOf(line: string): Sample {
  const [, name, labels = '', number = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a line of the format: ${line}`);
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value)) throw new Error(`not a number: ${line}`);
  const pairs = labels.match(new RegExp(LABEL, 'g')) ?? [];
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), JSON.parse(pair.slice(at + 1)) as string] as const;
  });
  if (new Set(entries.map(([key]) => key)).size < entries.length) throw new Error(`a label twice: ${line}`);
  return { name, labels: Object.fromEntries(entries), value };
}

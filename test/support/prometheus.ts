/** @module A strict parser of Prometheus' text format 0.0.4. */

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

/** @throws Error for a malformed line, a sample outside its family, a duplicate series */
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
    if (!metric) throw new Error(`a sample or TYPE before any HELP: ${line}`);
    if (kind === 'TYPE') {
      if (name !== current || metric.type !== '') throw new Error(`a misplaced TYPE: ${line}`);
      metric.type = rest;
      continue;
    }
    const sample = sampleOf(line);
    const own = metric.type === 'histogram' ? /_(bucket|sum|count)$/ : /$/;
    if (sample.name.replace(own, '') !== current) throw new Error(`a sample outside of ${current}: ${line}`);
    const key = line.slice(0, line.lastIndexOf(' '));
    if (series.has(key)) throw new Error(`a duplicate series: ${key}`);
    series.add(key);
    metric.samples.push(sample);
  }
  return metrics;
}

function sampleOf(line: string): Sample {
  const [, name, labels = '', number = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`a malformed line: ${line}`);
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value)) throw new Error(`not a number: ${line}`);
  const pairs = labels.match(new RegExp(LABEL, 'g')) ?? [];
  const entries = pairs.map((pair) => {
    const separator = pair.indexOf('=');
    return [pair.slice(0, separator), JSON.parse(pair.slice(separator + 1)) as string] as const;
  });
  if (new Set(entries.map(([key]) => key)).size < entries.length)
    throw new Error(`a duplicate label: ${line}`);
  return { name, labels: Object.fromEntries(entries), value };
}

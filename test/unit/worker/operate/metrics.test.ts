/** @module Counters, gauges and histograms in Prometheus' text format. */
import { describe, expect, it } from 'vitest';
import { Counter, gauge, Histogram, prometheusText } from '../../../../worker/operate/metrics.ts';
import { parsePrometheus } from '../../../support/prometheus.ts';

describe('prometheusText', () => {
  it('sums values with the same labels', () => {
    const counter = new Counter('requests_total', 'Requests.');
    counter.add({ status: '200' });
    counter.add({ status: '200' }, 4);
    counter.add({ status: '404' });
    expect(prometheusText([counter], {})).toBe(
      '# HELP requests_total Requests.\n# TYPE requests_total counter\n' +
        'requests_total{status="200"} 5\nrequests_total{status="404"} 1\n',
    );
  });

  it('counts a value in every bucket whose bound is at least as large', () => {
    const histogram = new Histogram('seconds', 'Seconds.', [0.1, 1, 10]);
    for (const value of [0.05, 0.1, 0.5, 3, 30]) histogram.observe({ by: 'a' }, value);
    const samples = parsePrometheus(prometheusText([histogram], { isolate: 'x' })).get('seconds')?.samples;
    const buckets = samples?.filter(({ name }) => name === 'seconds_bucket');
    expect(buckets?.map(({ labels, value }) => [labels.le, value])).toEqual([
      ['0.1', 2],
      ['1', 3],
      ['10', 4],
      ['+Inf', 5],
    ]);
    expect(samples?.at(-2)).toMatchObject({ name: 'seconds_sum', value: expect.closeTo(33.65, 10) });
    expect(samples?.at(-1)).toEqual({ name: 'seconds_count', labels: { by: 'a', isolate: 'x' }, value: 5 });
  });

  it('escapes quotes, backslashes and line feeds in labels', () => {
    const odd = 'a "quoted" back\\slash\nand line';
    const text = prometheusText([gauge('model', 'It.', [[{ name: odd }, 1]])], {});
    expect(parsePrometheus(text).get('model')?.samples).toEqual([
      { name: 'model', labels: { name: odd }, value: 1 },
    ]);
  });

  it('declares a family without samples', () => {
    const text = prometheusText([new Counter('a_total', 'A.'), new Counter('b_total', 'B.')], {
      isolate: 'x',
    });
    expect([...parsePrometheus(text).keys()]).toEqual(['a_total', 'b_total']);
  });
});

/** @module The fields of the log line as attributes of the request's trace, where the deployment has traces on. */
import type { RequestRecord } from '../http/request-record.ts';

type Attributes = Record<string, string | number | boolean>;

/** What of workerd's context is needed; contexts in tests have no tracing. */
interface Traced {
  readonly tracing?: {
    getActiveSpan():
      | { readonly isTraced: boolean; setAttributes(attributes: Attributes): unknown }
      | undefined;
  };
}

/** Sets `edgebeam.strategy`, `edgebeam.usage.completion_tokens`, … on the span of the invocation. */
export function trace({ tracing }: Traced, { startedAt, ...record }: RequestRecord): void {
  const span = tracing?.getActiveSpan();
  if (!span?.isTraced) return;
  const attributes: Attributes = {};
  addAttributes(attributes, 'edgebeam', record);
  span.setAttributes(attributes);
}

function addAttributes(attributes: Attributes, prefix: string, fields: object): void {
  for (const [name, value] of Object.entries(fields)) {
    const key = `${prefix}.${name}`;
    if (typeof value === 'object' && value !== null) addAttributes(attributes, key, value);
    else if (value !== undefined) attributes[key] = value;
  }
}

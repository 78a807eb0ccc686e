/** @module A request to the test hub and its response, with ranges, compression and injected faults. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

/** A request and the size of its response. */
export interface RecordedRequest {
  readonly server: 'hub' | 'cdn';
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** File bytes in the response body. */
  sent: number;
}

/** A fault to inject into a response. */
export interface Fault {
  /** Replaces the response. */
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Closes the connection after this many bytes of the file. */
  readonly breakAfter?: number;
  /** With `breakAfter`: keeps the connection open instead, without sending more. */
  readonly stall?: boolean;
  /** Answers a range request with the whole file and status 200 (RFC 9110, 14.2). */
  readonly ignoreRange?: boolean;
  /** Flips a bit. */
  readonly corrupt?: boolean;
}

export class Exchange {
  readonly url: URL;
  readonly record: RecordedRequest;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #fault: Fault;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    record: RecordedRequest,
    fault: Fault = {},
  ) {
    this.#request = request;
    this.#response = response;
    this.#fault = fault;
    this.record = record;
    this.url = new URL(record.path, `http://${request.headers.host}`);
  }

  json(): Promise<unknown> {
    return json(this.#request);
  }

  send(status: number, headers: Record<string, string> = {}, body: string | Uint8Array = ''): ServerResponse {
    this.#response.writeHead(status, { 'content-length': String(body.length), ...headers });
    return this.#response.end(this.record.method === 'HEAD' ? undefined : body);
  }

  sendJson(value: unknown, headers: Record<string, string> = {}): ServerResponse {
    return this.send(200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
  }

  /** Sends an error as the hub does: its code in a header, its message in a header and in the body. */
  sendError(status: number, code: string | undefined, message: string): ServerResponse {
    const headers = { 'content-type': 'application/json', 'x-error-message': message };
    const body = JSON.stringify({ error: message });
    return this.send(status, { ...headers, ...(code && { 'x-error-code': code }) }, body);
  }

  /** Sends a file in Git: compressed if the client accepts that and requests no range. */
  sendSmallFile(bytes: Uint8Array, etag: string, headers: Record<string, string>): ServerResponse {
    const accepted = String(this.#request.headers['accept-encoding'] ?? '');
    if (this.record.range || !/\bgzip\b/.test(accepted)) return this.sendFile(bytes, etag, headers);
    this.record.sent = bytes.length;
    return this.send(200, { ...headers, 'content-encoding': 'gzip', etag: `W/"${etag}"` }, gzipSync(bytes));
  }

  /** Sends a file or the requested range of it. */
  sendFile(bytes: Uint8Array, etag: string, headers: Record<string, string> = {}): ServerResponse {
    const { ignoreRange, corrupt } = this.#fault;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(this.record.range ?? '') ?? [];
    const whole = from === undefined || ignoreRange;
    const start = whole ? 0 : Number(from);
    const end = whole || !to ? bytes.length : Math.min(Number(to) + 1, bytes.length);
    if (start >= bytes.length) return this.send(416, { 'content-range': `bytes */${bytes.length}` });
    const body = Buffer.from(bytes.subarray(start, end));
    if (corrupt) body.writeUInt8(body.readUInt8(body.length >> 1) ^ 1, body.length >> 1);
    this.#response.writeHead(whole ? 200 : 206, {
      ...headers,
      'accept-ranges': 'bytes',
      'content-length': String(body.length),
      etag: `"${etag}"`,
      ...(!whole && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
    });
    return this.record.method === 'HEAD' ? this.#response.end() : this.#sendBody(body);
  }

  #sendBody(body: Uint8Array): ServerResponse {
    const { breakAfter, stall } = this.#fault;
    this.record.sent = Math.min(body.length, breakAfter ?? body.length);
    if (breakAfter === undefined) return this.#response.end(body);
    this.#response.write(body.subarray(0, breakAfter), () => {
      if (!stall) this.#response.socket?.end();
    });
    return this.#response;
  }
}

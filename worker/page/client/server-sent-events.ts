/** @module Incremental parser of server-sent events (HTML standard, 9.2.6). Only their data is kept. */

const LINE_END = /\r\n|\n|\r(?!$)/;

export class EventStreamParser {
  #partialLine = '';
  #data: string[] = [];

  /** @returns the data of the events that `text` completes */
  push(text: string): string[] {
    const events: string[] = [];
    const lines = (this.#partialLine + text).split(LINE_END);
    this.#partialLine = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) events.push(this.#data.join('\n'));
        this.#data = [];
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice('data:'.length).replace(/^ /, ''));
      }
    }
    return events;
  }
}

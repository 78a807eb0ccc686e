/** @module Server-sent events out of a stream's text, however it was cut (HTML standard, 9.2.6): their data alone. */

const LINE_END = /\r\n|\n|\r(?!$)/;

export class ServerSentEvents {
  #rest = '';
  #data: string[] = [];

  /** @returns the data of the events that are complete now */
  push(text: string): string[] {
    const events: string[] = [];
    const lines = (this.#rest + text).split(LINE_END);
    this.#rest = lines.pop() ?? '';
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

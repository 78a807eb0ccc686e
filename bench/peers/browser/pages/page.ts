/** @module What a page has for whoever drives the browser. */
import type { PeerSide } from '../../protocol.ts';

export interface Page {
  load(): Promise<void>;
  readonly side: PeerSide;
}

declare global {
  var peer: Page | undefined;
}

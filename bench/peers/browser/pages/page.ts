/** @module A page's interface for Playwright. */
import type { PeerSide } from '../../protocol.ts';

export interface Page {
  load(): Promise<void>;
  readonly side: PeerSide;
}

declare global {
  var peer: Page | undefined;
}

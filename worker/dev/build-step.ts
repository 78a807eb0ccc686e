/** @module The part of wrangler's build step that needs Node 24: converts the embedded model, with progress. */
import { modelFolder } from './wrangler.ts';

await modelFolder({});

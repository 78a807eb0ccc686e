/** @module The Worker. */
import { createApp } from './app.ts';
import { IsolateEngine } from './isolate/isolate-engine.ts';
import { modules } from './modules.ts';

export default createApp(new IsolateEngine(modules));

/** @module The Worker. */
import { createApp } from './app.ts';
import { IsolateModel } from './isolate/isolate-model.ts';
import { modules } from './modules.ts';

export default createApp(new IsolateModel(modules));

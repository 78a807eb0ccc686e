import { startDevServer } from './worker/dev/child-server.ts';
const s = await startDevServer('--');
console.log(s.url);
process.on('SIGTERM', async () => { await s[Symbol.asyncDispose](); process.exit(0); });
setInterval(()=>{}, 1e6);

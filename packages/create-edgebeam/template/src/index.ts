import { edgebeam } from 'edgebeam/worker';
import { Hono } from 'hono';

const app = new Hono<{ Bindings: Env }>();

app.get('/', (c) => c.text('Text generation is at /llm.\n'));

// OpenAI's completions at /llm/v1/completions, the page at /llm, the API reference at /llm/docs.
app.route('/llm', edgebeam());

export default app;

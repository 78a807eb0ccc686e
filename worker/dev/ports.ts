/** @module TCP ports of this machine. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** `localhost` is one of these or both. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** Whether another process listens on the port at `localhost`. */
export async function isPortInUse(port: number): Promise<boolean> {
  const uses = await Promise.all(LOOPBACK.map((host) => isAddressInUse(host, port)));
  return uses.includes(true);
}

async function isAddressInUse(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    // Others: the machine has no IPv6, or the port needs privileges, which wrangler reports.
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  }
  server.close();
  await once(server, 'close');
  return false;
}

/** @returns a port that no process listens on at this moment */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string')
    throw new Error('the operating system assigned no port');
  return address.port;
}

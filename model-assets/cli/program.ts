/**
 * @module How users call the commands in the repository: by npm's scripts. In the package
 * `packages/edgebeam/program.ts` takes the place of this file.
 */

/** The command line of a command, without its arguments. */
export const commandLine = (command: string): string =>
  command === 'start' ? 'npm start --' : `npm run ${command} --`;

/** The name of a command in its usage and its errors. */
export const commandName = (command: string): string => command;

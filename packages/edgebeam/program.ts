/** @module How users call the commands of the package: takes the place of `model-assets/cli/program.ts`. */

export const commandLine = (command: string): string => `npx edgebeam ${command}`;

export const commandName = (command: string): string => `edgebeam ${command}`;

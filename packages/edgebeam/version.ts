/** @module The version of the package: takes the place of `model-assets/convert/version.ts`. */

/** Replaced when the package is built. */
declare const VERSION: string;

export const packageVersion = async (): Promise<string> => VERSION;

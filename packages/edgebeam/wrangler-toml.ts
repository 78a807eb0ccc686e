/** @module The configuration with which `edgebeam start` and `edgebeam deploy` run wrangler. */

/** Sections of `wrangler.toml` that only the repository needs. */
const OWN_SECTIONS = ['alias', 'build'];

/**
 * The repository's `wrangler.toml` with the package's files: `PACKAGE` stands for the folder of `dist/`.
 * @throws Error if the configuration has another form than expected
 */
export function packagedConfiguration(toml: string): string {
  const withoutOwn = OWN_SECTIONS.reduce(
    // With the comments before it, up to the comments before the next section.
    (text, name) => replaceOnce(text, new RegExp(`(?:^#.*\\n)*^\\[${name}\\]\\n(?:.+\\n)*\\n?`, 'm'), ''),
    toml,
  );
  const withMain = replaceOnce(withoutOwn, /^main = .*$/m, 'main = "PACKAGE/standalone.js"');
  return replaceOnce(withMain, /^directory = .*$/m, 'directory = "PACKAGE/model"');
}

function replaceOnce(text: string, pattern: RegExp, replacement: string): string {
  if (!pattern.test(text)) throw new Error(`wrangler.toml has nothing of the form ${pattern}`);
  return text.replace(pattern, replacement);
}

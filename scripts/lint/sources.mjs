import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import ts from 'typescript';

const FOLDERS = ['bench', 'cli', 'deploy', 'e2e', 'examples', 'faults', 'libs', 'scripts', 'services'];
const LIBRARY = /^#libs\/([^/]+)(\/testing)?$/;
const LEFT_OUT = /(^|\/)(node_modules|dist|\.[^/]+)(\/|$)/;

/**
 * A file of ours.
 * @typedef {object} Source
 * @property {string} path from the root
 * @property {string} text
 * @property {readonly string[]} imports paths of the files of ours that it imports, for their types alone as well
 * @property {boolean} isTest a test or something that only tests use
 */

/** What only tests use. A service's `kept.ts` is read by the test that looks for columns without a rule. */
const TEST =
  /\.(spec|e2e)\.ts$|(^|\/)(spec|test|testing|fixtures|e2e|bench|faults|test-kit)\/|\/test-[^/]+$|\/kept\.ts$/;

/**
 * All TypeScript and JavaScript files below a folder.
 * @param {string} root
 * @returns {Source[]}
 */
export function readSources(root) {
  const paths = FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  const ours = paths.filter((path) => /\.(tsx?|mjs|js)$/.test(path) && !LEFT_OUT.test(path));
  return toSources(Object.fromEntries(ours.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')])));
}

/**
 * @param {Record<string, string>} texts by path
 * @returns {Source[]}
 */
export function toSources(texts) {
  const isOurs = (/** @type {string} */ path) => Object.hasOwn(texts, path);
  return Object.entries(texts).map(([path, text]) => {
    const specifiers = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
    const imports = specifiers.flatMap((specifier) => {
      const at = resolve(path, specifier);
      return [at, at?.replace(/js$/, 'ts'), `${at}.ts`, `${at}.tsx`]
        .filter((found) => found !== undefined && isOurs(found))
        .slice(0, 1);
    });
    return { path, text, imports: /** @type {string[]} */ ([...new Set(imports)]), isTest: TEST.test(path) };
  });
}

/**
 * @param {string} path
 * @param {string} specifier
 */
function resolve(path, specifier) {
  const [, library, testing] = LIBRARY.exec(specifier) ?? [];
  if (library) return testing ? `libs/${library}/testing/index.ts` : `libs/${library}/src/index.ts`;
  return specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined;
}

/**
 * The constructors of a file.
 * @param {Source} source
 * @returns {{ name: string, parameters: number }[]}
 */
export function constructorsOf({ path, text }) {
  if (!text.includes('constructor(')) return [];
  /** @type {{ name: string, parameters: number }[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isConstructorDeclaration(node))
      found.push({ name: node.parent.name?.text ?? basename(path), parameters: node.parameters.length });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return found;
}

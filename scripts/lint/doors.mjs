import { dirname, join } from 'node:path';
import ts from 'typescript';

/** @typedef {import('./sources.mjs').Source} Source */

const SERVICE = 'services/identity/src/';
const LIST = 'scripts/lint/doors.mjs';

/** Lists the classes that are tables. */
const ENTITY_LIST = 'identity.module.ts';
/** Says what happens to the rows of each table. */
const RULES = 'departures/identity.rules.ts';

/**
 * What other modules of identity may import beside the files of exported providers, and why. With `to`, only those files
 * may.
 * @typedef {{ file: string | RegExp, why: string, to?: readonly string[] }} Public
 */

/** @type {readonly Public[]} */
const PUBLIC = [
  { file: /\.entity\.ts$/, to: [ENTITY_LIST, RULES], why: 'Tables are listed once, and the rules name them.' },
  { file: RULES, to: [ENTITY_LIST], why: 'The lifecycle engine is set up with the rules.' },
  {
    file: 'departures/track/local-receipts.ts',
    to: [ENTITY_LIST],
    why: 'The lifecycle engine is set up with where its receipts go.',
  },
  { file: 'catalogue/dropped-rules.ts', why: 'Functions of rules.' },
  { file: 'departures/store/departure-row.ts', why: 'The type of a row.' },
  { file: 'departures/store/approvals/approval-facts.ts', why: 'The columns of an approval, and a function of them.' },
  { file: 'departures/store/receipt-lines.ts', why: 'Types of rows, and functions of them.' },
  { file: 'departures/plan/token/choices.ts', why: 'A function of a request.' },
  { file: 'departures/plan/erasure-day.ts', why: 'A function of times.' },
  { file: 'policy/choices.ts', why: 'Functions of rules and actions.' },
  { file: 'policy/successor-choices.ts', why: 'Functions of choices.' },
  { file: 'policy/notice-days.ts', why: 'A function of days.' },
  { file: 'policy/resolve.ts', why: 'A function of catalogue and policy.' },
  { file: 'sso/must-use-sso.ts', why: 'A condition on users.' },
  { file: 'session/second-factor-rule.ts', why: 'Functions of policy and user.' },
  { file: 'user/sole-owner.ts', why: 'Functions that lock within the transaction of the caller.' },
  { file: 'user/user-view.ts', why: 'A function of a row.' },
  { file: 'user-list/user-text.ts', why: 'The condition with which users are found by text.' },
];

const BECAUSE =
  'It is internal to its module. Export its provider in the *.module.ts of the folder and inject it, or ask a provider ' +
  `that is exported. What is no provider can be made public in ${LIST}.`;

/**
 * Imports of what a module of identity does not export. A folder with a `*.module.ts` is a module; its doors are that file,
 * the files that declare its exported providers, and what `PUBLIC` lists. Tests may look inside.
 * @param {readonly Source[]} sources
 * @returns {string[]}
 */
export function closedDoors(sources) {
  const { moduleOf, isOpen } = doorsOf(sources);
  return sources
    .filter(({ isTest }) => !isTest)
    .flatMap((from) =>
      from.imports
        .filter((path) => moduleOf(path) !== undefined && moduleOf(path) !== moduleOf(from.path))
        .filter((path) => !isOpen(path, from.path))
        .map((path) => `${from.path} imports ${path}. ${BECAUSE}`),
    );
}

/**
 * Doors that nobody uses: exports that no other module imports, and entries of `PUBLIC`.
 * @param {readonly Source[]} sources
 * @returns {string[]}
 */
export function unusedDoors(sources) {
  const { exported, moduleOf } = doorsOf(sources);
  const used = sources
    .filter(({ isTest }) => !isTest)
    .flatMap((from) =>
      from.imports
        .filter((path) => moduleOf(path) !== moduleOf(from.path))
        .map((path) => ({ path, from: from.path.slice(SERVICE.length) })),
    );
  const needless = [...exported]
    .filter((path) => !used.some((one) => one.path === path))
    .map((path) => `No other module uses ${path}. Take it out of the exports of its module.`);
  const stale = PUBLIC.filter(
    ({ file, to }) =>
      !used.some(({ path, from }) => isNamed(file, path) && !exported.has(path) && (to?.includes(from) ?? true)),
  ).map(({ file }) => `No other module uses ${String(file)}. Delete its entry in ${LIST}.`);
  return [...needless, ...stale];
}

/** @param {readonly Source[]} sources */
function doorsOf(sources) {
  const modules = sources.filter(({ path }) => path.startsWith(SERVICE) && path.endsWith('.module.ts'));
  const folders = new Set(modules.map(({ path }) => dirname(path)).filter((folder) => folder.length >= SERVICE.length));
  const exported = new Set(modules.filter(({ path }) => folders.has(dirname(path))).flatMap(exportedFiles));
  /**
   * The innermost folder around the file that is a module.
   * @param {string} path
   * @returns {string | undefined}
   */
  const moduleOf = (path) => {
    for (let folder = dirname(path); folder.length >= SERVICE.length; folder = dirname(folder))
      if (folders.has(folder)) return folder;
    return undefined;
  };
  const isOpen = (/** @type {string} */ path, /** @type {string} */ from) =>
    path.endsWith('.module.ts') ||
    exported.has(path) ||
    PUBLIC.some(({ file, to }) => isNamed(file, path) && (to?.includes(from.slice(SERVICE.length)) ?? true));
  return { exported, moduleOf, isOpen };
}

/**
 * @param {string | RegExp} file
 * @param {string} path
 */
const isNamed = (file, path) => (typeof file === 'string' ? path === SERVICE + file : file.test(path));

/**
 * The files of the providers that a module exports.
 * @param {Source} source
 * @returns {string[]}
 */
function exportedFiles({ path, text }) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  /** @type {Map<string, string>} */
  const importedFrom = new Map();
  /** @type {string[]} */
  const names = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const from = node.moduleSpecifier.text;
      const bindings = node.importClause?.namedBindings;
      if (from.startsWith('.') && bindings && ts.isNamedImports(bindings))
        for (const { name } of bindings.elements)
          importedFrom.set(name.text, join(dirname(path), from).replace(/js$/, 'ts'));
    }
    if (
      ts.isPropertyAssignment(node) &&
      node.name.getText() === 'exports' &&
      ts.isArrayLiteralExpression(node.initializer)
    )
      names.push(...node.initializer.elements.filter(ts.isIdentifier).map(({ text: name }) => name));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names.flatMap((name) => importedFrom.get(name) ?? []);
}

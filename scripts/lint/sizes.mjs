import { dirname } from 'node:path';
import { constructorsOf } from './sources.mjs';

/** @typedef {import('./sources.mjs').Source} Source */
/** @typedef {import('./accepted.mjs').Accepted} Accepted */

const MOST_LINES = 300;
const MOST_PARAMETERS = 7;
const MOST_FILES = 15;

const LIST = 'scripts/lint/accepted.mjs';
const TWO_JOBS = `Split it where it does two jobs, or say in ${LIST} why it does one.`;
const TOO_LONG = `Divide it where that helps a reader to find things, or say in ${LIST} why not.`;

/**
 * @param {readonly Source[]} sources
 * @returns {string[]}
 */
export function longFiles(sources) {
  return sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(
      ({ path, lines }) => `${path} has ${lines} lines, more than ${MOST_LINES}. Split it by what its parts are for.`,
    );
}

/**
 * Classes with many constructor parameters and folders with many files.
 * @param {readonly Source[]} sources
 * @param {readonly Accepted[]} accepted
 * @returns {{ wrong: string[], accepted: string[] }} `wrong` also holds the entries of `accepted` that are no longer needed
 */
export function crowded(sources, accepted) {
  const found = [...crowdedClasses(sources), ...crowdedFolders(sources)];
  const isAbout = (/** @type {Accepted} */ entry, /** @type {Crowded} */ { kind, name }) =>
    kind === 'class' ? 'class' in entry && entry.class === name : 'folder' in entry && entry.folder === name;
  const reasonFor = (/** @type {Crowded} */ one) => accepted.find((entry) => isAbout(entry, one))?.why;
  const unneeded = accepted.filter((entry) => !found.some((one) => isAbout(entry, one)));
  return {
    wrong: [
      ...found.flatMap((one) => (reasonFor(one) ? [] : [`${one.about}. ${one.advice}`])),
      ...unneeded.map((entry) => `${nameOf(entry)} is no longer large. Delete its entry in ${LIST}.`),
    ],
    accepted: found.flatMap((one) => (reasonFor(one) ? [`${one.about}: ${reasonFor(one)}`] : [])),
  };
}

/** @typedef {{ kind: 'class' | 'folder', name: string, about: string, advice: string }} Crowded */

/** @param {Accepted} entry */
const nameOf = (entry) => ('class' in entry ? entry.class : entry.folder);

/**
 * @param {readonly Source[]} sources
 * @returns {Crowded[]}
 */
const crowdedClasses = (sources) =>
  sources.flatMap((source) =>
    constructorsOf(source)
      .filter(({ parameters }) => parameters > MOST_PARAMETERS)
      .map(({ name, parameters }) => {
        const about = `${name} (${source.path}) takes ${parameters} constructor parameters`;
        return { kind: 'class', name, about, advice: TWO_JOBS };
      }),
  );

/**
 * Tests are not counted: they lie beside what they test.
 * @param {readonly Source[]} sources
 * @returns {Crowded[]}
 */
const crowdedFolders = (sources) =>
  [...Map.groupBy(sources, ({ path }) => dirname(path))]
    .map(([folder, inside]) => ({ folder, count: inside.filter(({ path }) => !path.endsWith('.spec.ts')).length }))
    .filter(({ count }) => count > MOST_FILES)
    .map(({ folder, count }) => {
      return { kind: 'folder', name: folder, about: `${folder} holds ${count} sources`, advice: TOO_LONG };
    });

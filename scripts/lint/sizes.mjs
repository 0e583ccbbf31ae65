import { dirname } from 'node:path';
import { constructorsOf } from './sources.mjs';

/** @typedef {import('./sources.mjs').Source} Source */

const MOST_LINES = 300;
const MOST_PARAMETERS = 7;
const MOST_FILES = 15;

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
 * Reports what may be right but deserves a review.
 * @param {readonly Source[]} sources
 * @returns {string[]}
 */
export function crowded(sources) {
  const classes = sources.flatMap((source) =>
    constructorsOf(source)
      .filter(({ parameters }) => parameters > MOST_PARAMETERS)
      .map(({ name, parameters }) => `${name} (${source.path}) takes ${parameters} constructor parameters`),
  );
  const files = sources.filter(({ path }) => !path.endsWith('.spec.ts'));
  const folders = [...Map.groupBy(files, ({ path }) => dirname(path))]
    .filter(([, inside]) => inside.length > MOST_FILES)
    .map(([folder, inside]) => `${folder} holds ${inside.length} sources`);
  return [...classes, ...folders];
}
